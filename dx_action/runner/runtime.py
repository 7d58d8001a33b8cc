"""Owns what the runner says of this very run: its variables, typed. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Runtime:
    """GitHub's default variables, each named as GitHub names it; empty where it was not set."""

    event_name: str
    repository: str
    sha: str
    ref: str
    run_id: str
    run_attempt: str
    job: str
    actor: str
    server_url: str
    api_url: str
    workspace: str
    event_path: str

    @property
    def server(self) -> str:
        """The server's host, which tells the ids of one GitHub from those of another."""
        return self.server_url.split("://")[-1]

    def run_page(self, check_run_id: str | None) -> str | None:
        """Give the page of this very job; of this attempt of its run where the server does not say which job."""
        if not (self.run_id and self.repository):
            return None
        page = f"{self.server_url}/{quote(self.repository)}/actions/runs/{self.run_id}"
        return f"{page}/job/{check_run_id}" if check_run_id else f"{page}/attempts/{self.run_attempt}"


def read_runtime(env: Mapping[str, str]) -> Runtime:
    """Read the runner's variables (docs.github.com, "Variables reference")."""

    def read(name: str, default: str = "") -> str:
        # What is no UTF-8 comes as lone surrogates, which no request can hold.
        return path(name).encode(errors="replace").decode() or default

    def path(name: str) -> str:
        return env.get(f"GITHUB_{name}", "").strip()

    return Runtime(
        event_name=read("EVENT_NAME"),
        repository=read("REPOSITORY"),
        sha=read("SHA"),
        ref=read("REF"),
        run_id=read("RUN_ID"),
        run_attempt=read("RUN_ATTEMPT", "1"),
        job=read("JOB"),
        actor=read("ACTOR"),
        server_url=read("SERVER_URL", "https://github.com").rstrip("/"),
        api_url=read("API_URL", "https://api.github.com").rstrip("/"),
        workspace=path("WORKSPACE"),
        event_path=path("EVENT_PATH"),
    )


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, handed in. `monotonic` and `sleep` are in seconds; `now` is UTC; `random` is in [0, 1)."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    random: Callable[[], float]
