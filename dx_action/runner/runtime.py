"""The runner's variables about this run, typed; the secrets among all variables; and the clock. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, unquote

from dx_action.errors import Problem
from dx_action.secrecy import Secret, Secrets

_TOKENS = {"INPUT-DX-TOKEN": "dx-token", "INPUT-GITHUB-TOKEN": "github-token"}
TEXT_OF = {name: f"the text of `{name}`" for name in _TOKENS.values()}
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class Runtime(NamedTuple):
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
    texts = {name: env.get(f"GITHUB_{name.upper()}", "").strip() for name in Runtime._fields}
    for name in texts.keys() - {"event_path"}:
        # Bytes that are not UTF-8 come as lone surrogates, which a path may contain and a request may not.
        texts[name] = texts[name].encode(errors="replace").decode()
    texts["run_attempt"] = texts["run_attempt"] or "1"
    texts["server_url"] = (texts["server_url"] or "https://github.com").rstrip("/")
    texts["api_url"] = (texts["api_url"] or "https://api.github.com").rstrip("/")
    return Runtime(**texts)


class Clock(NamedTuple):
    """Time and chance, handed in. `monotonic` and `sleep` are in seconds; `now` is UTC; `random` is in [0, 1)."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    now: Callable[[], datetime]
    random: Callable[[], float]


def bare_token(text: str) -> str:
    """Return a token as it is used: trimmed, without a leading `Bearer `."""
    text = text.strip()
    return text[len("Bearer ") :].strip() if text[:7].lower() == "bearer " else text


def tokens(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the tokens as they were written and as they are used, to be masked before anything is logged."""
    written = [text for _, text in _written_tokens(env)]
    return tuple(dict.fromkeys(form for token in written for form in (token, bare_token(token))))


def known_secrets(env: Mapping[str, str], more: Iterable[Secret] = ()) -> Secrets:
    """Return the secrets that must not leave the run: both tokens, the proxies' passwords, and `more`."""
    tokens_used = ((name, bare_token(text)) for name, text in _written_tokens(env) if text.lower() != "bearer")
    secrets = [Secret(TEXT_OF[name], text) for name, text in tokens_used]
    passwords = [Secret(f"the password of `{name}`", text, password=True) for name, text in proxy_passwords(env)]
    return Secrets([*secrets, *passwords, *more])


def _written_tokens(env: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the tokens with their inputs' names, also those of a variable whose name differs in case or has other hyphens."""
    named = ((_TOKENS.get(name.upper().replace("_", "-")), text.strip()) for name, text in env.items())
    return sorted((token, text) for token, text in named if token and text)


def proxy_passwords(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each password of a proxy, as written and as used, with the name of its variable."""
    for name, url in env.items():
        user, at, _ = url.rpartition("://")[2].rpartition("@")
        if at and name.lower() in _PROXIES:
            password = user.partition(":")[2]
            yield from ((name, text) for text in dict.fromkeys((password, unquote(password))) if text.strip())


def copied_secrets(texts: Mapping[str, str], secrets: Secrets) -> Iterator[Problem]:
    """Yield a problem for each input that contains a secret which is not its own."""
    for name, text in texts.items():
        for secret in secrets.names_in(text):
            if secret != TEXT_OF.get(name):
                yield Problem(name, f"contains {secret}. {_cure(name, secret)}")
                break


def _cure(name: str, secret: str) -> str:
    if name in TEXT_OF:
        return "Each of the two tokens goes to its own server: write each in its own input alone."
    if secret == TEXT_OF["github-token"]:
        return "So does `toJSON(github)`: write only the values that you need, such as ${{ github.actor }}."
    return "Write the token nowhere else." if secret in TEXT_OF.values() else "Write it nowhere else."
