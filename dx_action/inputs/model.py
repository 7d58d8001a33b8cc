"""The action's inputs: the runner's `INPUT_…` variables, read, checked and typed. Pure.

A blank input counts as unset. Every problem is found in one pass and named by the input, never with its value.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from textwrap import dedent
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from dx_action.errors import BadInput, FailOnError, InvalidValue, Problem
from dx_action.inputs import values
from dx_action.inputs.filters import parse_branches, parse_globs
from dx_action.inputs.metadata import COMMIT_KEY, FIRST_KEY, Fact, parse_facts, parse_metadata
from dx_action.inputs.times import is_ahead, parse_time
from dx_action.inputs.values import DxHost, Outcome, ReadBy, one_of
from dx_action.runner.runtime import copied_secrets, known_secrets
from dx_action.services.service import Ownership, Service

if TYPE_CHECKING:
    from dx_action.inputs.names import Stranger

_PREFIX = "INPUT_"
# Bytes of a variable that are not UTF-8 come as lone surrogates.
_SURROGATE = "[\ud800-\udfff]"
Operation = Literal["deploy", "set-pull-services", "backfill", "check", "update", "delete"]
Attribution = Literal["commit", "repository", "merge-commits"]
LeadTime = Literal["none", "commit", "first-commit", "both"]
ServicesFrom = Literal["input", "map", "backstage", "codeowners"]
Method = Literal["create", "upsert"]
OnConflict = Literal["keep", "update", "fail"]
Token = Annotated[SecretStr, ReadBy(values.parse_token)]
Line = Annotated[str, ReadBy(values.parse_line)]
Name = Annotated[str, ReadBy(values.parse_name)]
Flag = Annotated[bool, ReadBy(values.parse_flag)]
Number = Annotated[int, ReadBy(values.parse_number)]
Sha = Annotated[str, ReadBy(values.parse_sha)]
Time = Annotated[datetime, ReadBy(parse_time)]
WorkspacePath = Annotated[str, ReadBy(values.parse_path)]


class Inputs(BaseModel):
    """The inputs of `action.yml`. A field is named as its input, with `_` for `-`."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    dx_host: Annotated[DxHost | None, ReadBy(values.parse_host)] = None
    dx_token: Token | None = None
    github_token: Token | None = None
    ca_bundle: WorkspacePath | None = None
    timeout: Annotated[float, ReadBy(values.parse_timeout)] = 60.0
    operation: Annotated[Operation, one_of(Operation)] = "deploy"
    service: Annotated[tuple[Service, ...], ReadBy(values.parse_services)] = ()
    services_from: Annotated[ServicesFrom | None, one_of(ServicesFrom)] = None
    service_map: Annotated[str | Ownership | None, ReadBy(values.parse_map)] = None
    repository: Annotated[str | None, ReadBy(values.parse_repository)] = None
    commit_sha: Sha | None = None
    attribution: Annotated[Attribution | None, one_of(Attribution)] = None
    merge_commit_shas: Annotated[tuple[str, ...], ReadBy(values.parse_shas)] = ()
    since_sha: Sha | None = None
    integration_branch: Name | None = None
    deployed_at: Time | None = None
    extra_metadata: Annotated[tuple[Fact, ...], ReadBy(parse_facts)] = ()
    lead_time_metadata: Annotated[LeadTime, one_of(LeadTime)] = "none"
    success: Annotated[Outcome | None, ReadBy(values.parse_outcome)] = None
    environment: Name | None = None
    reference_id: Name | None = None
    source_url: Annotated[str | None, ReadBy(values.parse_url)] = None
    source_name: Annotated[str | None, ReadBy(values.parse_source_name)] = None
    metadata: Annotated[dict[str, Any], ReadBy(parse_metadata)] = Field(default_factory=dict)
    only_branches: Annotated[tuple[str, ...], ReadBy(parse_branches)] = ()
    only_environments: Annotated[tuple[str, ...], ReadBy(parse_globs)] = ()
    set_pull_services: Flag = False
    replace_pull_services: Flag = False
    pull_number: Number | None = None
    pull_id: Number | None = None
    confirm_delete: Line | None = None
    method: Annotated[Method, one_of(Method)] = "create"
    on_conflict: Annotated[OnConflict, one_of(OnConflict)] = "keep"
    fail_on_error: Annotated[FailOnError, one_of(FailOnError)] = "true"
    dry_run: Flag = False
    show_pull_requests: Flag = False
    failed_file: WorkspacePath | None = None
    since: Time | None = None
    until: Time | None = None
    workflow_jobs: Flag = False
    backfill_file: WorkspacePath | None = None
    csv_file: WorkspacePath | None = None
    max_per_second: Annotated[float, ReadBy(values.parse_rate)] = 7.0
    concurrency: Annotated[int, ReadBy(values.parse_lanes)] = 4
    job_index: Line = "0"
    check_run_id: Line | None = None

    @property
    def deploys(self) -> bool:
        """Whether a deployment is registered, or what would be."""
        return self.operation in ("deploy", "check")

    @property
    def sets_past(self) -> bool:
        """Whether the services of all pull requests that were merged in a window are set."""
        return self.operation == "set-pull-services" and self.since is not None

    @property
    def own_source_name(self) -> str:
        """The name of the system that deployed, if no row says another; empty if it is to be left out."""
        return "GitHub Actions" if self.source_name is None else self.source_name

    @property
    def names_commits(self) -> bool:
        """Whether inputs say which commits were deployed, or that none are to be sent."""
        return bool(self.commit_sha or self.merge_commit_shas or self.attribution == "repository")

    @property
    def services_source(self) -> ServicesFrom:
        return self.services_from or ("map" if self.service_map else "input")

    @property
    def by_files(self) -> bool:
        """Whether the deployed services are the owners of the changed files."""
        return self.services_source != "input" and not self.service

    @property
    def discovers_merge_commits(self) -> bool:
        """Whether merge commits are to be sent that the author did not list."""
        return self.attribution == "merge-commits" and not self.merge_commit_shas

    @property
    def wanted_facts(self) -> tuple[Fact, ...]:
        """What `metadata` gets of `extra-metadata`: not what the author wrote there."""
        return tuple(fact for fact in self.extra_metadata if fact not in self.metadata)

    @property
    def wants_commit_time(self) -> bool:
        """Whether `metadata` gets the commit's time: not if the author wrote one there."""
        return self.lead_time_metadata in ("commit", "both") and COMMIT_KEY not in self.metadata

    @property
    def wants_first_commit_time(self) -> bool:
        return self.lead_time_metadata in ("first-commit", "both") and FIRST_KEY not in self.metadata


# The inputs' variables, as the runner names them.
_VARIABLES = {f"{_PREFIX}{field.alias}".upper(): str(field.alias) for field in Inputs.model_fields.values()}


class Rule(NamedTuple):
    """Inputs that cannot have another value than their default if others are as `when` says, and why.

    `unset`: the default is no better. `fillable`: it is gone once an input that is blank has a value.
    """

    subjects: tuple[str, ...]
    when: Callable[[Inputs], object]
    text: str
    unset: bool = False
    fillable: bool = False


def _single(inputs: Inputs) -> bool:
    return inputs.operation != "backfill"


RULES = (
    Rule(
        ("since", "until"),
        lambda inputs: _single(inputs) and inputs.operation != "set-pull-services",
        "is only for `operation: backfill` and `operation: set-pull-services`. Set one of them as well, or leave this out.",
    ),
    Rule(
        ("backfill-file", "csv-file", "workflow-jobs"),
        _single,
        "is only for `operation: backfill`. Set that as well, or leave this out.",
    ),
    Rule(
        ("show-pull-requests", "lead-time-metadata", "extra-metadata"),
        lambda inputs: inputs.operation == "set-pull-services",
        "is about a deployment, and `operation: set-pull-services` registers none. Leave it out.",
    ),
    Rule(
        ("replace-pull-services",),
        lambda inputs: inputs.operation in ("deploy", "check") and not inputs.set_pull_services,
        "has no effect without `set-pull-services: true` or `operation: set-pull-services`. Set one of them as well.",
        fillable=True,
    ),
    Rule(
        ("attribution",),
        lambda inputs: _single(inputs) and inputs.merge_commit_shas and inputs.attribution != "merge-commits",
        "is not `merge-commits`, but `merge-commit-shas` is set. Leave one of them out.",
    ),
    Rule(
        ("services-from",),
        lambda inputs: _single(inputs) and inputs.service_map is not None and inputs.services_from != "map",
        "is not `map`, but `service-map` is set. Leave one of them out.",
    ),
    Rule(
        ("services-from",),
        lambda inputs: _single(inputs) and inputs.service_map is None and inputs.services_from == "map",
        "is `map`, but `service-map` is missing. Write the map's path there.",
        fillable=True,
    ),
)


def is_written(inputs: Inputs, name: str) -> bool:
    """Return whether an input has another value than its default."""
    field = name.replace("-", "_")
    return bool(getattr(inputs, field) != Inputs.model_fields[field].get_default(call_default_factory=True))


def read_inputs(env: Mapping[str, str], now: datetime | None = None, problems: Iterable[Problem] = ()) -> Inputs:
    """Read every input, as `survey_inputs` does. Raises BadInput with every problem at once."""
    inputs, found = survey_inputs(env, now, problems)
    if found:
        raise BadInput(*found)
    return inputs


def survey_inputs(
    env: Mapping[str, str],
    now: datetime | None = None,
    problems: Iterable[Problem] = (),
    rules: Sequence[Rule] = (),
    meant: Collection[str] = (),
) -> tuple[Inputs, tuple[Problem, ...]]:
    """Return the inputs as far as they can be read, and every problem. With `now`, which is UTC, `deployed-at` is compared with it.

    `problems` are known before, and their subjects are not read. `rules` are further ones, which also say what of a connection
    to DX is missing. `meant` are inputs that their author meant to write, so that nothing is said of their lack.
    """
    texts, strangers = _written(env), _strangers(env)
    undecoded = (name for name, text in texts.items() if not text.isascii() and re.search(_SURROGATE, text))
    problems = [*problems, *(Problem(name, "is not valid UTF-8.") for name in undecoded)]
    broken = {problem.subject for problem in problems}
    slipped = {name for stranger in strangers for name in stranger.meant}
    meant = slipped.union(meant)

    def read() -> Inputs:
        return Inputs.model_validate({name: text for name, text in texts.items() if name not in broken})

    try:
        inputs = read()
    except ValidationError as error:
        # A pydantic error prints its whole input, the token included: only our own words leave this place.
        found = error.errors(include_url=False, include_input=False)
        problems += [Problem(str(each["loc"][0]), str(each["ctx"]["error"])) for each in found]
        broken |= {problem.subject for problem in problems}
        inputs = read()
    copies = copied_secrets(texts, known_secrets(env))
    problems += [problem for problem in copies if problem.subject not in broken]
    problems += _broken_rules(inputs, broken | meant, rules)
    try:
        if now and inputs.deployed_at:
            is_ahead(inputs.deployed_at, now)
    except InvalidValue as wrong:
        problems.append(Problem("deployed-at", str(wrong)))
    if slipped:
        from dx_action.inputs.names import slips  # noqa: PLC0415 - hardly any run has one

        problems += slips(strangers)
    if problems:
        missing = () if rules or "csv-file" in broken else missing_connection(inputs, env.get("GITHUB_ACTOR", ""))
        problems += [problem for problem in missing if problem.subject not in broken | meant]
    return inputs, tuple(problems)


def _written(env: Mapping[str, str]) -> dict[str, str]:
    """Return what was written by input name, without blanks."""
    # Trimmed such that the lines of a YAML value keep their places below each other.
    texts = {_VARIABLES[name]: dedent(text).strip() for name, text in env.items() if name in _VARIABLES}
    if texts.get("dx-token", "").lower() == "bearer":  # `Bearer ${{ secrets.DX_TOKEN }}` without such a secret
        texts["dx-token"] = ""
    return {name: text for name, text in texts.items() if text}


def _strangers(env: Mapping[str, str]) -> "list[Stranger]":
    names = [name for name, text in env.items() if name not in _VARIABLES and text.strip()]
    if not (names := [name for name in names if name[: len(_PREFIX)].upper() == _PREFIX]):
        return []
    from dx_action.inputs.names import strangers  # noqa: PLC0415 - hardly any run has one

    return list(strangers(names, _VARIABLES.values()))


def unknown_inputs(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return a warning of what is written as an input and is none, nor like one."""
    if not (found := _strangers(env)):
        return ()
    from dx_action.inputs.names import unknown  # noqa: PLC0415

    return unknown(found)


def _broken_rules(inputs: Inputs, broken: Collection[str], more: Sequence[Rule]) -> list[Problem]:
    """Return a problem for each rule that the inputs break, unless an input that it is about could not be read."""
    unreadable = {name.replace("-", "_") for name in broken}
    readable: Any = SimpleNamespace(**{field: value for field, value in inputs if field not in unreadable})
    readable.model_fields_set = inputs.model_fields_set
    rules: Sequence[Rule] = RULES
    if inputs.since or inputs.until or inputs.operation == "backfill":
        from dx_action.inputs import past  # noqa: PLC0415 - most runs are about the present

        rules = (*rules, *past.RULES)
    if inputs.operation in ("update", "delete") or inputs.confirm_delete:
        from dx_action.inputs import corrections  # noqa: PLC0415 - most runs correct nothing

        rules = corrections.rules(inputs, rules)
    problems = []
    for rule in (*rules, *more):
        for subject in rule.subjects:
            try:
                if (is_written(readable, subject) or rule.unset) and rule.when(readable):
                    problems.append(Problem(subject, rule.text))
            except AttributeError as error:
                if error.name not in unreadable:  # a rule reads what is no input
                    raise
    return problems


def missing_connection(inputs: Inputs, actor: str = "") -> tuple[Problem, ...]:
    """Return what a run that sends to DX needs and does not have. `actor` is the user who set it off."""
    if inputs.dry_run or inputs.csv_file:
        return ()
    problems = []
    if inputs.dx_host is None:
        problems.append(Problem("dx-host", "is missing. Write your DX instance's host, as in acme.getdx.net."))
    if inputs.dx_token is None:
        text = (
            "is missing or empty. Write ${{ secrets.DX_TOKEN }}, and store a DX Data Cloud API token as that secret "
            "where this repository can read it. A reusable workflow gets it only if its caller writes `secrets: inherit`."
        )
        if actor == "dependabot[bot]":
            text += " Runs that Dependabot sets off read Dependabot secrets only: store it as a Dependabot secret, too."
        problems.append(Problem("dx-token", text))
    return tuple(problems)


def fail_on_error(env: Mapping[str, str]) -> FailOnError:
    """Return `fail-on-error`, even if other inputs cannot be read. What is none of its words counts as `true`."""
    written = env.get(f"{_PREFIX}FAIL-ON-ERROR", "").strip().lower()
    words: tuple[FailOnError, ...] = get_args(FailOnError)
    return next((word for word in words if word == written), "true")
