"""Owns what the workflow's author wrote: the runner's `INPUT_…` variables, read, checked and typed. Pure.

Blank is unset. Every problem is found in one pass and told by the input's name, never by its value.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, SecretStr, ValidationError

from dx_action.errors import BadInput, Problem, Wrong
from dx_action.hosts import DxHost, parse_host
from dx_action.lists import texts, unique
from dx_action.metadata import parse_metadata
from dx_action.paths import parse_path
from dx_action.services import Service, parse_services
from dx_action.times import parse_time
from dx_action.urls import is_url

PREFIX = "INPUT_"
_SHA = re.compile(r"[0-9a-fA-F]{7,40}")
_OUTCOMES: dict[str, Literal["success", "failure", "skip"]] = {
    **dict.fromkeys(("true", "success"), "success"),
    **dict.fromkeys(("false", "failure", "error", "timed_out", "startup_failure"), "failure"),
    **dict.fromkeys(("cancelled", "skipped"), "skip"),
}


def _token(text: str) -> SecretStr:
    text = text[len("Bearer ") :].strip() if text[:7].lower() == "bearer " else text
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise Wrong("has a space, a line break or a character outside ASCII. Store the bare token as a secret.")
    return SecretStr(text)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Wrong("is neither `true` nor `false`.")
    return text.lower() == "true"


def _timeout(text: str) -> float:
    if not re.fullmatch(r"\d{1,5}(\.\d+)?", text, re.ASCII) or not 1 <= float(text) <= 3600:
        raise Wrong("is not a number of seconds from 1 to 3600.")
    return float(text)


def _sha(text: str) -> str:
    if not _SHA.fullmatch(text):
        raise Wrong("is not a commit id of 7 to 40 hexadecimal digits.")
    return text


def _shas(text: str) -> tuple[str, ...]:
    found = texts(text)
    if not all(map(_SHA.fullmatch, found)):
        raise Wrong('has an item that is not a commit id of 7 to 40 hexadecimal digits. Write ["abc1234", "abc2345"].')
    return unique(found)


def _outcome(text: str) -> Literal["success", "failure", "skip"]:
    try:
        return _OUTCOMES[text.lower()]
    except KeyError:
        raise Wrong(f"is none of {', '.join(f'`{word}`' for word in _OUTCOMES)}.") from None


def _url(text: str) -> str:
    if not is_url(text):
        raise Wrong("is not a URL. Write it whole, as in https://argocd.example.com/build/1791.")
    return text


def _line(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", text):
        raise Wrong("has a line break or another control character in it. Write one plain line.")
    return text


def _word(*words: str) -> PlainValidator:
    def check(text: str) -> str:
        if text.lower() not in words:
            raise Wrong(f"is none of {', '.join(f'`{word}`' for word in words)}.")
        return text.lower()

    return PlainValidator(check)


Attribution = Literal["commit", "repository", "merge-commits"]
Line = Annotated[str, PlainValidator(_line)]
Flag = Annotated[bool, PlainValidator(_flag)]
Texts = Annotated[tuple[str, ...], PlainValidator(texts)]
WorkspacePath = Annotated[str, PlainValidator(parse_path)]


class Inputs(BaseModel):
    """The inputs of `action.yml`, checked. A field is named as its input, with `_` for `-`."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    dx_host: Annotated[DxHost | None, PlainValidator(parse_host)] = None
    dx_token: Annotated[SecretStr | None, PlainValidator(_token)] = None
    ca_bundle: WorkspacePath | None = None
    timeout: Annotated[float, PlainValidator(_timeout)] = 60.0
    service: Annotated[tuple[Service, ...], PlainValidator(parse_services)] = ()
    repository: Line | None = None
    commit_sha: Annotated[str | None, PlainValidator(_sha)] = None
    attribution: Annotated[Attribution | None, _word("commit", "repository", "merge-commits")] = None
    merge_commit_shas: Annotated[tuple[str, ...], PlainValidator(_shas)] = ()
    integration_branch: Line | None = None
    deployed_at: Annotated[datetime | None, PlainValidator(parse_time)] = None
    success: Annotated[Literal["success", "failure", "skip"] | None, PlainValidator(_outcome)] = None
    environment: Line | None = None
    reference_id: Line | None = None
    source_url: Annotated[str | None, PlainValidator(_url)] = None
    source_name: Line = "GitHub Actions"
    metadata: Annotated[dict[str, Any], PlainValidator(parse_metadata)] = Field(default_factory=dict)
    only_branches: Texts = ()
    only_environments: Texts = ()
    method: Annotated[Literal["create", "upsert"], _word("create", "upsert")] = "create"
    on_conflict: Annotated[Literal["keep", "update", "fail"], _word("keep", "update", "fail")] = "keep"
    fail_on_error: Flag = True
    dry_run: Flag = False
    failed_file: WorkspacePath | None = None
    job_index: Line = "0"
    check_run_id: Line | None = None


def written(env: Mapping[str, str]) -> dict[str, str]:
    """Give what was written, by input name: trimmed, blanks left out. The runner upper-cases names and keeps hyphens."""
    found = {name.removeprefix(PREFIX).lower(): text.strip() for name, text in env.items() if name.startswith(PREFIX)}
    return {name: text for name, text in found.items() if text}


def read_inputs(env: Mapping[str, str]) -> Inputs:
    """Read every input. Raises BadInput with every problem at once."""
    raw = written(env)
    broken = [name for name, text in raw.items() if not text.isascii() and not _is_utf8(text)]
    problems = [Problem(name, "is not valid text (UTF-8).") for name in broken] + _together(raw)
    raw = {name: text for name, text in raw.items() if name not in broken}
    try:
        inputs = Inputs.model_validate(raw)
    except ValidationError as error:
        # A pydantic error prints its whole input, the token included: only our own words leave this place.
        found = error.errors(include_url=False, include_input=False)
        problems += [Problem(str(each["loc"][0]), str(each["ctx"]["error"])) for each in found]
        problems += missing_connection(raw, env.get("GITHUB_ACTOR", ""))
        raise BadInput(*problems) from None
    if problems:
        raise BadInput(*problems)
    return inputs


def missing_connection(raw: Mapping[str, str], actor: str = "") -> tuple[Problem, ...]:
    """Name what a run that sends to DX needs and was not given. `actor` is the user who set it off."""
    if raw.get("dry-run", "").lower() == "true":
        return ()
    token = (
        "is missing or empty. Write ${{ secrets.DX_TOKEN }}, and store a DX Data Cloud API token as that secret where "
        "this repository can read it."
    )
    if actor == "dependabot[bot]":
        token += " Runs that Dependabot sets off read Dependabot secrets only: store it as a Dependabot secret, too."
    advice = {"dx-host": "is missing. Write your DX instance's host, as in acme.getdx.net.", "dx-token": token}
    return tuple(Problem(name, text) for name, text in advice.items() if name not in raw)


def lenient(env: Mapping[str, str]) -> bool:
    """Tell whether `fail-on-error` is `false`, even where other inputs cannot be read."""
    return written(env).get("fail-on-error", "").lower() == "false"


def _together(raw: Mapping[str, str]) -> list[Problem]:
    attribution = raw.get("attribution", "").lower()
    if "merge-commit-shas" in raw and attribution in ("commit", "repository"):
        return [
            Problem("attribution", "is not `merge-commits`, yet `merge-commit-shas` is given. Leave one of them out.")
        ]
    if attribution == "merge-commits" and "merge-commit-shas" not in raw:
        return [Problem("merge-commit-shas", "is missing, and `attribution: merge-commits` needs it.")]
    return []


def _is_utf8(text: str) -> bool:
    """The bytes that a variable had and UTF-8 has not come as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
