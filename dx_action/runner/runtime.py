"""The runner's variables about this run, typed, and the clock. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Runtime:
    """GitHub's default variables (docs.github.com, "Variables reference"), without `GITHUB_`; empty if not set."""

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
        """The server's host, which tells apart the ids of two GitHub servers."""
        return self.server_url.split("://")[-1]

    def run_page(self, check_run_id: str | None) -> str | None:
        """Return the page of this job, or of this attempt of its run if the server does not name the job."""
        if not (self.run_id and self.repository):
            return None
        page = f"{self.server_url}/{quote(self.repository)}/actions/runs/{self.run_id}"
        return f"{page}/job/{check_run_id}" if check_run_id else f"{page}/attempts/{self.run_attempt}"


def read_runtime(env: Mapping[str, str]) -> Runtime:
    def read(name: str, default: str = "") -> str:
        # Bytes that are not UTF-8 come as lone surrogates, which no request can contain.
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
