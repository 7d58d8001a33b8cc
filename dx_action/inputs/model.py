"""Owns what the workflow's author wrote: the runner's `INPUT_…` variables, read, checked and typed. Pure.

Blank is unset. Every problem is found in one pass and told by the input's name, never by its value.
"""

from collections.abc import Mapping
from datetime import datetime
from textwrap import dedent
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, SecretStr, ValidationError

from dx_action.errors import BadInput, Problem
from dx_action.inputs import values
from dx_action.inputs.combinations import together
from dx_action.inputs.filters import parse_branches
from dx_action.inputs.metadata import COMMIT_KEY, FIRST_KEY, parse_metadata
from dx_action.inputs.times import parse_time
from dx_action.inputs.values import DxHost, one_of
from dx_action.services.service import Ownership, Service

PREFIX = "INPUT_"
Operation = Literal["deploy", "set-pull-services", "backfill"]
Attribution = Literal["commit", "repository", "merge-commits"]
LeadTime = Literal["none", "commit", "first-commit", "both"]
ServicesFrom = Literal["input", "map", "backstage", "codeowners"]
Line = Annotated[str, PlainValidator(values.parse_line)]
Flag = Annotated[bool, PlainValidator(values.parse_flag)]
Texts = Annotated[tuple[str, ...], PlainValidator(values.parse_texts)]
WorkspacePath = Annotated[str, PlainValidator(values.parse_path)]


class Inputs(BaseModel):
    """The inputs of `action.yml`, checked. A field is named as its input, with `_` for `-`."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    dx_host: Annotated[DxHost | None, PlainValidator(values.parse_host)] = None
    dx_token: Annotated[SecretStr | None, PlainValidator(values.parse_token)] = None
    github_token: Annotated[SecretStr | None, PlainValidator(values.parse_token)] = None
    ca_bundle: WorkspacePath | None = None
    timeout: Annotated[float, PlainValidator(values.parse_timeout)] = 60.0
    operation: Annotated[Operation, one_of("deploy", "set-pull-services", "backfill")] = "deploy"
    service: Annotated[tuple[Service, ...], PlainValidator(values.parse_services)] = ()
    services_from: Annotated[ServicesFrom | None, one_of("input", "map", "backstage", "codeowners")] = None
    service_map: Annotated[str | Ownership | None, PlainValidator(values.parse_map)] = None
    repository: Line | None = None
    commit_sha: Annotated[str | None, PlainValidator(values.parse_sha)] = None
    attribution: Annotated[Attribution | None, one_of("commit", "repository", "merge-commits")] = None
    merge_commit_shas: Annotated[tuple[str, ...], PlainValidator(values.parse_shas)] = ()
    since_sha: Annotated[str | None, PlainValidator(values.parse_sha)] = None
    integration_branch: Line | None = None
    deployed_at: Annotated[datetime | None, PlainValidator(parse_time)] = None
    lead_time_metadata: Annotated[LeadTime, one_of("none", "commit", "first-commit", "both")] = "none"
    success: Annotated[Literal["success", "failure", "skip"] | None, PlainValidator(values.parse_outcome)] = None
    environment: Line | None = None
    reference_id: Line | None = None
    source_url: Annotated[str | None, PlainValidator(values.parse_url)] = None
    source_name: Line = "GitHub Actions"
    metadata: Annotated[dict[str, Any], PlainValidator(parse_metadata)] = Field(default_factory=dict)
    only_branches: Annotated[tuple[str, ...], PlainValidator(parse_branches)] = ()
    only_environments: Texts = ()
    set_pull_services: Flag = False
    replace_pull_services: Flag = False
    pull_number: Annotated[int | None, PlainValidator(values.parse_number)] = None
    pull_id: Annotated[int | None, PlainValidator(values.parse_number)] = None
    method: Annotated[Literal["create", "upsert"], one_of("create", "upsert")] = "create"
    on_conflict: Annotated[Literal["keep", "update", "fail"], one_of("keep", "update", "fail")] = "keep"
    fail_on_error: Flag = True
    dry_run: Flag = False
    show_pull_requests: Flag = False
    failed_file: WorkspacePath | None = None
    since: Annotated[datetime | None, PlainValidator(parse_time)] = None
    until: Annotated[datetime | None, PlainValidator(parse_time)] = None
    workflow_jobs: Flag = False
    backfill_file: WorkspacePath | None = None
    csv_file: WorkspacePath | None = None
    max_per_second: Annotated[float, PlainValidator(values.parse_rate)] = 7.0
    concurrency: Annotated[int, PlainValidator(values.parse_lanes)] = 4
    job_index: Line = "0"
    check_run_id: Line | None = None

    @property
    def services_source(self) -> ServicesFrom:
        """Where services come from; a map says so by being given."""
        return self.services_from or ("map" if self.service_map else "input")

    @property
    def by_files(self) -> bool:
        """Whether the deployed services are those that the changed files belong to."""
        return self.services_source != "input" and not self.service

    @property
    def discovers_merge_commits(self) -> bool:
        """Whether DX is to be sent merge commits that nobody listed."""
        return self.attribution == "merge-commits" and not self.merge_commit_shas

    @property
    def wants_commit_time(self) -> bool:
        """Whether `metadata` gets the commit's time; a value written there wins."""
        return self.lead_time_metadata in ("commit", "both") and COMMIT_KEY not in self.metadata

    @property
    def wants_first_commit_time(self) -> bool:
        """Whether `metadata` gets the first commit's time; a value written there wins."""
        return self.lead_time_metadata in ("first-commit", "both") and FIRST_KEY not in self.metadata


def written(env: Mapping[str, str]) -> dict[str, str]:
    """Give what was written, by input name: trimmed, blanks left out. The runner upper-cases names and keeps hyphens."""
    found = {name.removeprefix(PREFIX).lower(): _trimmed(text) for name, text in env.items() if name.startswith(PREFIX)}
    if found.get("dx-token", "").lower() == "bearer":  # `Bearer ${{ secrets.DX_TOKEN }}`, and there is no such secret
        found["dx-token"] = ""
    return {name: text for name, text in found.items() if text}


def read_inputs(env: Mapping[str, str]) -> Inputs:
    """Read every input. Raises BadInput with every problem at once."""
    raw = written(env)
    broken = [name for name, text in raw.items() if not text.isascii() and not _is_utf8(text)]
    problems = [Problem(name, "is not valid text (UTF-8).") for name in broken]
    try:
        inputs = Inputs.model_validate({name: text for name, text in raw.items() if name not in broken})
    except ValidationError as error:
        # A pydantic error prints its whole input, the token included: only our own words leave this place.
        found = error.errors(include_url=False, include_input=False)
        problems += [Problem(str(each["loc"][0]), str(each["ctx"]["error"])) for each in found]
    named = {problem.subject for problem in problems}
    problems += [problem for problem in together(raw) if problem.subject not in named]
    if problems:
        raise BadInput(*problems, *missing_connection(raw, env.get("GITHUB_ACTOR", "")))
    return inputs


def missing_connection(raw: Mapping[str, str], actor: str = "") -> tuple[Problem, ...]:
    """Name what a run that sends to DX needs and was not given. `actor` is the user who set it off."""
    if raw.get("dry-run", "").lower() == "true" or "csv-file" in raw:
        return ()
    token = (
        "is missing or empty. Write ${{ secrets.DX_TOKEN }}, and store a DX Data Cloud API token as that secret where "
        "this repository can read it."
    )
    if actor == "dependabot[bot]":
        token += " Runs that Dependabot sets off read Dependabot secrets only: store it as a Dependabot secret, too."
    advice = {"dx-host": "is missing. Write your DX instance's host, as in acme.getdx.net.", "dx-token": token}
    return tuple(Problem(name, text) for name, text in advice.items() if name not in raw)


def fail_on_error(env: Mapping[str, str]) -> bool:
    """Return the input `fail-on-error`, even if other inputs cannot be read; what is neither true nor false counts as true."""
    return written(env).get("fail-on-error", "").lower() != "false"


def _trimmed(text: str) -> str:
    """Trim the text. The lines of YAML keep their places under each other."""
    return dedent(text).strip()


def _is_utf8(text: str) -> bool:
    """The bytes that a variable had and UTF-8 has not come as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
