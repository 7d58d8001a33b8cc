"""The runner's variables about this run, typed, and the clock. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from urllib.parse import quote, unquote

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True, slots=True)
class Runtime:
    """GitHub's default variables (docs.github.com, "Variables reference"), without `GITHUB_`; empty if not set."""

    event_name: str
    repository: str
    sha: str
    ref: str
    ref_name: str
    ref_type: str
    run_id: str
    run_attempt: str
    job: str
    actor: str
    server_url: str
    api_url: str
    event_path: str

    @property
    def server(self) -> str:
        """The server's host, which tells apart the ids of two GitHub servers."""
        return self.server_url.split("://")[-1]

    @property
    def branch(self) -> str:
        """The branch that the run is for; empty if it is for a tag, a commit or a pull request."""
        if self.ref_name and self.ref_type:
            is_branch = self.ref_type == "branch" and not self.ref.startswith("refs/pull/")
            return self.ref_name if is_branch else ""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""

    def run_page(self, check_run_id: str | None) -> str | None:
        """Return the page of this job, or of this attempt of its run if the server does not name the job."""
        if not (self.run_id and self.repository):
            return None
        page = f"{self.server_url}/{quote(self.repository)}/actions/runs/{self.run_id}"
        return f"{page}/job/{check_run_id}" if check_run_id else f"{page}/attempts/{self.run_attempt}"


def read_runtime(env: Mapping[str, str]) -> Runtime:
    texts = {field.name: env.get(f"GITHUB_{field.name.upper()}", "").strip() for field in fields(Runtime)}
    for name in texts.keys() - {"event_path"}:
        # Bytes that are not UTF-8 come as lone surrogates, which a path may contain and a request may not.
        texts[name] = texts[name].encode(errors="replace").decode()
    texts["run_attempt"] = texts["run_attempt"] or "1"
    texts["server_url"] = (texts["server_url"] or "https://github.com").rstrip("/")
    texts["api_url"] = (texts["api_url"] or "https://api.github.com").rstrip("/")
    return Runtime(**texts)


def proxy_passwords(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each password of a proxy, as written and as used, with the name of its variable."""
    for name, url in env.items():
        user, at, _ = url.rpartition("://")[2].rpartition("@")
        if at and name.lower() in _PROXIES:
            password = user.partition(":")[2]
            yield from ((name, text) for text in dict.fromkeys((password, unquote(password))) if text.strip())


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, handed in. `monotonic` and `sleep` are in seconds; `now` is UTC; `random` is in [0, 1)."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    random: Callable[[], float]
