"""The sentences for look-ups that GitHub rejects or does not answer: the missing permission, or what to check. Pure."""

import re
from dataclasses import dataclass
from typing import Any, Literal

from dx_action.errors import OUTAGES, ActionError, Cause, Problem, Server

Kind = Literal["token", "forbidden", "missing", "limited", "rejected", "unavailable"]
# These pass with time; the others last until someone changes something.
_PASSES: tuple[Kind, ...] = ("limited", "unavailable")
# After one of these, any other look-up by this token fails alike.
LASTING: tuple[Kind, ...] = ("token", "forbidden", "limited")
# The kind of a GraphQL error: GitHub's own type, or one of these. After FAILED and TOO_LARGE, another try may pass.
RATE_LIMITED, TOO_LARGE, FAILED, UNKNOWN_FIELD = "RATE_LIMITED", "TOO_LARGE", "FAILED", "UNKNOWN_FIELD"
# Why GitHub rejects a look-up, other than for a missing permission. Its words say which, in REST and in GraphQL.
SECONDARY_LIMIT, IP_ALLOW_LIST, SSO, SUSPENDED = "SECONDARY_LIMIT", "IP_ALLOW_LIST", "SSO", "SUSPENDED"
TOKEN_POLICY, BLOCKED = "TOKEN_POLICY", "BLOCKED"
LIMITS = (RATE_LIMITED, SECONDARY_LIMIT)
FORBIDDEN = ("FORBIDDEN", "INSUFFICIENT_SCOPES", IP_ALLOW_LIST, SSO, SUSPENDED, TOKEN_POLICY, BLOCKED)
_KINDS = {
    "RATE_LIMIT": RATE_LIMITED,
    "RESOURCE_LIMITS_EXCEEDED": TOO_LARGE,
    "MAX_NODE_LIMIT_EXCEEDED": TOO_LARGE,
    "INTERNAL": FAILED,
    "INTERNAL_SERVER_ERROR": FAILED,
    "SERVICE_UNAVAILABLE": FAILED,
    "TIMEOUT": FAILED,
    "undefinedField": UNKNOWN_FIELD,
    "undefinedType": UNKNOWN_FIELD,
    "argumentNotAccepted": UNKNOWN_FIELD,
}
# Words of GitHub's own, which are matched and never shown.
_LIMIT = re.compile(r"rate limit", re.IGNORECASE)
_REASONS = (
    (re.compile(r"secondary rate limit|abuse detection|temporarily blocked from", re.IGNORECASE), SECONDARY_LIMIT),
    (re.compile(r"IP allow list", re.IGNORECASE), IP_ALLOW_LIST),
    (re.compile(r"SAML enforcement|single sign-on", re.IGNORECASE), SSO),
    (re.compile(r"(?:account|installation) (?:was|is|has been) suspended", re.IGNORECASE), SUSPENDED),
    (re.compile(r"forbids access via a|OAuth App access restrictions", re.IGNORECASE), TOKEN_POLICY),
    (
        re.compile(r"(?:repository access|access to this repository has been) (?:blocked|disabled)", re.IGNORECASE),
        BLOCKED,
    ),
)
_ACCEPTED = re.compile(r"[a-z_]{1,40}=(?:read|write|admin)(?:[,;] ?[a-z_]{1,40}=(?:read|write|admin)){0,5}")
_FIELD = re.compile(r"Field '\w+' (?:doesn't exist on type|doesn't accept argument) '\w+'")
_TYPE = re.compile(r"[A-Z][A-Z0-9_]{0,59}")
UNREADABLE = (
    "returned an answer that is not GitHub's, for example a proxy's or a login page. Check the network and any proxy."
)
NO_ADDRESS = "is not an address that can be asked. Write the API's whole URL, as in https://ghe.example.com/api/v3."
UNDOCUMENTED = "returned an answer that is not as GitHub documents it, so nothing of it is used."
_RATE_LIMIT = (
    "has used up GitHub's rate limit, and its reset is too far away to wait for. "
    "A GitHub App's token has a limit of its own."
)
_SECONDARY_LIMIT = (
    "made too many requests at once (GitHub's secondary rate limit), and has to wait longer than look-ups may take. "
    "Let fewer jobs with this token run at the same time."
)
# No advice to run the step again: if the deployment was registered all the same, another run may register a second one.
_DOWN = "Check whether it is down."
_LEADS: dict[Cause, str] = {"no_answer": "did not answer", "connection_lost": "returned no readable answer"}
_MISSING = {
    "contents": "there is no such commit",
    "deployments": "the repository does not exist",
    "pull-requests": "there is no such pull request",
}


class LookupFailedError(ActionError):
    """GitHub did not answer a look-up, or rejected it. By its kind, `text` is about the token or the server.

    `unreadable`: something answered, and no more than that, so that another try may be read. `slow`: GitHub, or a gateway before
    it, gave up on the answer, so that less may be answered in time.
    """

    slow = False

    def __init__(self, text: str, kind: Kind = "unavailable", *, unreadable: bool = False) -> None:
        subject = "GITHUB_API_URL" if kind in ("rejected", "unavailable") else "github-token"
        super().__init__(Problem(subject, text, outage=kind in _PASSES))
        self.kind, self.unreadable = kind, unreadable

    @property
    def outage(self) -> bool:
        """Whether it passes with time, so that nobody has to change a setting."""
        return self.kind in _PASSES


class NoAnswerError(LookupFailedError):
    """GitHub was not reached, or its answer did not come."""

    def __init__(self, cause: Cause, server: Server, tried: str) -> None:
        text = f"{_LEADS.get(cause, 'cannot be reached')}{tried}. {server.sentence(cause)}"
        super().__init__(text, "unavailable" if cause in OUTAGES else "rejected")
        self.cause = cause
        self.slow = cause == "no_answer"


class Missing(LookupFailedError):
    """What was asked for does not exist, or GitHub hides it from this token."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a look-up needs, a permission in a repository; and by which right it asks."""

    repository: str
    permission: str
    own: bool
    has_token: bool

    def missing(self) -> Missing:
        """Return the error for a 404, which GitHub also answers for what a token may not read."""
        text = f"cannot read {self._things}, or {_MISSING[self.permission]}. {self._advice}"
        return Missing(text, "missing")

    def rejected(self, status: int, why: str, *, limited: bool, accepted: str = "") -> LookupFailedError:
        """Return the error for any other rejection.

        `why`: the kind of a GraphQL error, or what `reason` says of REST's. `accepted`: the permissions that GitHub says it
        accepts, as its header has them.
        """
        if why == SECONDARY_LIMIT:
            return LookupFailedError(_SECONDARY_LIMIT, "limited")
        if limited or status == 429 or why == RATE_LIMITED:
            return LookupFailedError(_RATE_LIMIT, "limited")
        if status == 401 and not self.has_token:
            text = f"is empty, and GitHub requires a token for this request. {self._advice}"
            return LookupFailedError(text, "token")
        if status == 401:
            text = "was rejected by GitHub. Leave the input out to use the job's own token, or store a valid one."
            return LookupFailedError(text, "token")
        if status in (403, 451) or why in FORBIDDEN:
            return self._forbidden(BLOCKED if status == 451 else why, accepted)
        if why in (FAILED, TOO_LARGE):
            return LookupFailedError(f"answered every attempt at a query with an error. {_DOWN}")
        if why == UNKNOWN_FIELD:
            text = "does not know a field that this action asks for. An old GitHub Enterprise Server may not have it."
            return LookupFailedError(text, "rejected")
        if why:
            kind = f" ({why})" if _TYPE.fullmatch(why) else ""
            return LookupFailedError(f"rejected a query of this action{kind}.", "rejected")
        if status == 410:
            text = f"no longer has {self._things} (HTTP 410). Check whether they are switched off in the repository's settings."
            return LookupFailedError(text, "rejected")
        if status == 422:  # GitHub's answer for a commit that the repository does not have
            text = "rejected a look-up (HTTP 422). Check that the repository has the commit."
            return LookupFailedError(text, "rejected")
        if status < 500:
            return LookupFailedError(f"rejected a look-up (HTTP {status}).", "rejected")
        return LookupFailedError(f"answered every attempt with HTTP {status}. {_DOWN}")

    def _forbidden(self, why: str, accepted: str) -> LookupFailedError:
        if why == BLOCKED:
            text = f"blocks access to {self.repository}, for legal reasons or its terms of service. Its page there says why."
            return LookupFailedError(text, "rejected")
        refusal = f"may not read {self._things}"
        match why:
            case "IP_ALLOW_LIST":
                text = f"{refusal} from here: the organization has an IP allow list. Have the runner's address added to it."
            case "SSO":
                text = f"{refusal}, because the organization requires single sign-on. Authorize the token for it (SSO)."
            case "SUSPENDED":
                text = f"{refusal}: its account, or its app's installation, is suspended. Use another token."
            case "TOKEN_POLICY":
                text = f"{refusal}, because the organization forbids tokens of its kind. Use the job's own, or a GitHub App's."
            case _:
                text = f"{refusal}. {self._advice}{_accepts(accepted, self.permission)}"
        return LookupFailedError(text, "forbidden")

    @property
    def _things(self) -> str:
        return f"the {self.permission.replace('-', ' ')} of {self.repository}"

    @property
    def _advice(self) -> str:
        if not self.has_token:
            return "Leave the input out to use the job's own token, or check the secret that it comes from."
        if self.own:
            return f"Grant the job the permission `{self.permission}: read`. A token of your own needs it, too."
        return (
            "The job's token can read only the workflow's own repository. Use a GitHub App's token or a personal access token "
            f"with `{self.permission}: read` there."
        )


def reason(said: Any, *, sso: bool = False) -> str:
    """Return why GitHub rejects a look-up, by its words; empty for a missing permission. `sso`: a header requires sign-on."""
    text = said if isinstance(said, str) else ""
    return next((why for words, why in _REASONS if words.search(text)), SSO if sso else "")


def _accepts(header: str, asked: str) -> str:
    """Return which permissions GitHub accepts, where it says more than what was asked for: semicolons separate ways."""
    if not _ACCEPTED.fullmatch(header):
        return ""
    ways = [
        " and ".join(f"`{name.strip().replace('=', ': ').replace('_', '-')}`" for name in way.split(","))
        for way in header.split(";")
    ]
    return "" if ways == [f"`{asked}: read`"] else f" GitHub accepts {' or '.join(ways)}."


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of an answer from GraphQL: its kind, and the place in the answer that it is about; empty for all of it."""

    kind: str
    path: tuple[str | int, ...] = ()


def refusals(body: Any) -> tuple[Refusal, ...]:
    """Return the errors of an answer that came with HTTP 200. A `message` alone, without data, is one, too."""
    if not isinstance(body, dict):
        return ()
    errors = body.get("errors")
    if isinstance(errors, list):
        return tuple(_refusal(error if isinstance(error, dict) else {}) for error in errors)
    return (_refusal(body),) if errors or ("data" not in body and "message" in body) else ()


def _refusal(error: dict[Any, Any]) -> Refusal:
    more = error.get("extensions")
    named = [error.get("type"), error.get("code"), *map((more if isinstance(more, dict) else {}).get, ("type", "code"))]
    names = [name for name in named if isinstance(name, str) and name]
    kind = next((_KINDS[name] for name in names if name in _KINDS), next(iter(names), FAILED))
    said = error.get("message")
    if isinstance(said, str) and kind != "NOT_FOUND":  # that one quotes names
        sso = isinstance(more, dict) and more.get("saml_failure") is True
        kind = reason(said, sso=sso) or (RATE_LIMITED if _LIMIT.search(said) else kind)
        kind = UNKNOWN_FIELD if _FIELD.match(said) else kind
    path = error.get("path")
    steps = path if isinstance(path, list) else []
    whole = all(isinstance(step, str | int) for step in steps)
    return Refusal(kind, tuple(steps) if whole else ())
