"""The command line's arguments: flags named as the inputs, read into the variables that the inputs are read from. Pure.

No value is ever shown, and no argument that is neither a flag nor its value: a token may have been pasted into the wrong place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_origin

from dx_action.errors import Problem
from dx_action.inputs.model import Inputs, Rule, survey_inputs
from dx_action.inputs.names import nearest
from dx_action.runner.runtime import bare_token
from dx_action.secrecy import Secret
from dx_action.text import join_names

# GitHub fills these in, in a workflow.
HIDDEN = ("job-index", "check-run-id")
# Arguments are shown in lists of processes, in histories of shells and in logs, so these are read from variables alone.
TOKENS = {"dx-token": "DX_TOKEN", "github-token": "GITHUB_TOKEN"}
VARIABLES = {"dx-host": "DX_HOST", **TOKENS}
_FIELDS = {str(field.alias): field.annotation for field in Inputs.model_fields.values()}
FLAGS = tuple(name for name in _FIELDS if name not in (*HIDDEN, *TOKENS))
YES_OR_NO = (*(name for name in FLAGS if _FIELDS[name] is bool), "json")
LISTS = tuple(name for name in FLAGS if get_origin(_FIELDS[name]) is tuple)
OWN = {"help": ("--help", "-h"), "version": ("--version",)}
# Which servers of GitHub's look-ups ask. Every other variable of GitHub's belongs to a workflow.
_SERVERS = ("GITHUB_API_URL", "GITHUB_SERVER_URL")
_FLAG = re.compile(r"--?[A-Za-z][\w-]{0,60}", re.ASCII)
# What an input is called in a message, alone or with a value, but for a file's columns and the words of a choice.
_NAMED = re.compile(
    r"(?:is not one of|The columns are) (?:`[^`]*`,? ?)+|(?<!ended in )(?<!output )(?<!no )(?<!column )`([a-z-]+)(: [^`]*)?`"
    r"|\bfrom input ([a-z-]+)\b"
)
# What messages say of a workflow, and what takes its place. The longer ones go first.
WORKFLOW_PHRASES = {
    "the log or the summary": "the log",
    "the summary and the log": "the log",
    "this step again with the same inputs": "this command again with the same flags",
    "the step that registered it": "the run that registered it",
    "this step": "this command",
    "This step": "This command",
    "the step": "the command",
    "a step reads": "a command reads",
    "The job was cancelled": "The command was interrupted",
    "because a cancelled job has only seconds left": "because the command was interrupted",
    "the log group `Stack trace`": "the lines below `Stack trace` in the log",
    "only the action's `job/` records when a job starts": "a command does not know when the deployment began",
    "GITHUB_WORKSPACE is empty": "the current folder does not exist",
    ", and GITHUB_REPOSITORY is not set": "",
    "neither the input `repository` nor GITHUB_REPOSITORY is set": "`--repository` is not set",
    ", and neither the event nor GITHUB_REPOSITORY names one": "",
    "because the event does not say it, and no input does": "because no flag says it",
    "is about an event or about what it registers": "is about a deployment that is registered",
    ", whatever the event": "",
    "A checkout before this step makes them available": "A checkout in the current folder makes them available",
    "the workspace": "the current folder",
    "relative to the repository's root": "relative to the current folder",
    ", and that an earlier step created the file": "",
    "paths of the runner do not exist": "paths of its host do not exist",
    "the runner's": "this machine's",
    "from the input `": "from `",
    ", in a matrix one for each leg,": "",
    ": in a matrix, add what differs between its legs, as in `${{ matrix.service }}`": "",
    "is a shell variable, which a workflow does not expand": "is a shell variable that was not expanded",
    "Write ${{ env.NAME }}, or the name itself": "Write it in double quotes, or write the name itself",
    "reads a secret that this repository and event can access": "is set",
    "store it in the secret that `dx-token` reads": "set `dx-token` to it",
    "the secret that `dx-token` reads": "`dx-token`",
    "Store the bare token as a secret": "Set it to the bare token",
    "`, from a secret.": "`.",
    "Leave the input out to use the job's own token, or store a valid one": "Set it to a valid token",
    "Leave the input out to use the job's own token, or check the secret that it comes from": "Set it to a token that may",
    "Use the job's own, or a GitHub App's": "Use a GitHub App's",
    "Let fewer jobs with this token run": "Let fewer commands with this token run",
    "Grant the job the permission `": "The token needs the permission `",
    ". A token of your own needs it, too": "",
    "The job's token can read only the workflow's own repository. ": "",
    " below the job's `permissions:`": "",
    "So does `toJSON(github)`: write only the values that you need, such as ${{ github.actor }}": "Write the token nowhere else",
    ", so `permissions: {}` is enough": "",
    "Whether it is needed depends on the event: some": "Some",
    "or, without it, the event's commit is": "is",
}
_OF_A_WORKFLOW = re.compile("|".join(map(re.escape, WORKFLOW_PHRASES)))
# The end of a row of values that came from an input.
_FROM_INPUT = re.compile(r"(?<= from )input ([a-z-]+)(?= \(.*\)\Z|\Z)")
# What a message quotes, as `text.quoted` does it.
_FOREIGN = re.compile("(“[^”]*”?)")


def _needs_connection(inputs: Inputs) -> bool:
    return not (inputs.dry_run or inputs.csv_file)


# What an event says in a workflow has to be written.
_RULES = (
    Rule(
        ("dx-host",),
        lambda inputs: _needs_connection(inputs) and inputs.dx_host is None,
        "is missing. Set the variable DX_HOST to your DX instance's host, as in acme.getdx.net, or write this flag.",
        unset=True,
    ),
    Rule(
        ("dx-token",),
        lambda inputs: _needs_connection(inputs) and inputs.dx_token is None,
        "is missing. Set this variable to a DX Data Cloud API token, from wherever your system stores secrets.",
        unset=True,
    ),
    Rule(
        ("repository",),
        lambda inputs: (
            not inputs.repository
            and (
                inputs.operation in ("deploy", "set-pull-services")
                or (inputs.operation == "backfill" and not inputs.backfill_file)
            )
        ),
        "is missing. Write the repository as DX names it, as in acme/shop.",
        unset=True,
    ),
    Rule(
        ("commit-sha",),
        lambda inputs: (
            inputs.operation == "deploy"
            and not (inputs.commit_sha or inputs.merge_commit_shas or inputs.attribution == "repository")
        ),
        "is missing. Write the deployed commit, or `merge-commit-shas`, or `attribution: repository`.",
        unset=True,
    ),
    Rule(
        ("reference-id",),
        lambda inputs: inputs.operation == "deploy" and not inputs.reference_id,
        "is missing. Write an id that stays the same if this deployment is sent again, and that no other deployment has.",
        unset=True,
    ),
    Rule(
        ("pull-number",),
        lambda inputs: (
            inputs.operation == "set-pull-services"
            and not (inputs.pull_number or inputs.pull_id or inputs.since or inputs.until)
        ),
        "is missing. Write the number of the pull request whose services are to be set, or `since` for all that were merged.",
        unset=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """What a command line asks for: the inputs' texts by name, and what is wrong with it.

    `meant` are inputs that a flag with a problem may stand for, so that nothing is said of their lack. `refused` are tokens that
    were written as flags. `shows` is "help" or "version" if nothing else is to be done.
    """

    texts: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    meant: frozenset[str] = frozenset()
    json: bool = False
    shows: str = ""
    refused: tuple[Secret, ...] = ()

    def variables(self, env: Mapping[str, str], folder: str) -> dict[str, str]:
        """Return the environment as a workflow's step would have it: with the inputs, and without another job's variables.

        `folder` takes the place of the workspace.
        """
        kept = {
            name: text
            for name, text in env.items()
            if name in _SERVERS or not name.upper().startswith(("INPUT_", "GITHUB_"))
        }
        texts = {name: env.get(variable, "") for name, variable in VARIABLES.items()}
        texts |= {name: text for name, text in self.texts.items() if text.strip() or name not in VARIABLES}
        if texts.get("operation", "").strip().lower() in ("", "deploy", "check", "backfill"):
            # Its default is the name of a system that has no part in this.
            texts["source-name"] = texts.get("source-name", "").strip() or "none"
        return kept | {f"INPUT_{name.upper()}": text for name, text in texts.items()} | {"GITHUB_WORKSPACE": folder}

    def inputs(self, env: Mapping[str, str], now: datetime) -> tuple[Inputs, tuple[Problem, ...]]:
        """Return the inputs from `variables` as far as they can be read, and every problem."""
        return survey_inputs(env, now, self.problems, _RULES, self.meant)


def passed_over(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return a warning of variables that are inputs in a workflow."""
    names = [name for name, text in env.items() if name.upper().startswith("INPUT_") and text.strip()]
    if not names:
        return ()
    which, count = join_names(sorted(names)), "is" if len(names) == 1 else "are"
    return (
        f"{which} {count} ignored outside of GitHub Actions. Write flags instead, and tokens in {' and '.join(TOKENS.values())}.",
    )


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the arguments, without the program's name. Raises nothing: what is wrong is among the problems."""
    return _Reader(argv).read()


class _Reader:
    def __init__(self, argv: Sequence[str]) -> None:
        self._argv, self._at = argv, 0
        self._texts: dict[str, list[str]] = {}
        self._problems: list[Problem] = []
        self._meant: set[str] = set()
        self._refused: list[Secret] = []

    def read(self) -> Arguments:
        shows = ""
        while self._at < len(self._argv):
            argument = self._argv[self._at]
            self._at += 1
            flag, equals, text = argument.partition("=")
            shows = shows or next((name for name, flags in OWN.items() if argument in flags), "")
            if argument in (*OWN["help"], *OWN["version"]):
                continue
            value = text if equals else None
            name = flag.removeprefix("--")
            token = flag.lstrip("-").lower().replace("_", "-")
            if flag.startswith("-") and token in TOKENS:
                self._refuse(token, value)
            elif flag == f"--{name}" and name in (*FLAGS, "json"):
                self._take(name, value)
            else:
                self._unknown(flag, value)
        texts = dict(self._joined())
        json = texts.pop("json", "").strip().lower()
        if json not in ("", "true", "false") and "json" not in {problem.subject for problem in self._problems}:
            self._problem("json", "is neither `true` nor `false`. Write it alone.")
        return Arguments(
            texts=texts,
            problems=tuple(self._problems),
            meant=frozenset(self._meant),
            json=json == "true",
            shows=shows,
            refused=tuple(self._refused),
        )

    def _next(self) -> str | None:
        """Return the next argument if it can be a value."""
        if self._at >= len(self._argv) or self._argv[self._at].startswith("--"):
            return None
        self._at += 1
        return self._argv[self._at - 1]

    def _take(self, name: str, value: str | None) -> None:
        if value is None:
            value = self._next()
        if value is None and name in YES_OR_NO:
            value = "true"
        if value is None:
            self._problem(
                name, f"has no value. Write it after the flag; if it begins with `--`, as in --{name}=--value."
            )
            value = ""
        self._texts.setdefault(name, []).append(value)

    def _refuse(self, name: str, value: str | None) -> None:
        if value is None and self._at < len(self._argv):  # whatever it is, it is taken for the token
            value = self._argv[self._at]
            self._at += 1
        if value and value.strip():
            forms = dict.fromkeys((value.strip(), bare_token(value)))
            self._refused += [Secret(f"the text of `--{name}`", form) for form in forms if form]
        text = (
            f"is not taken as a flag: others can read arguments in lists of processes. Set the variable {TOKENS[name]}, "
            "and change the token if somebody may have seen it."
        )
        self._problem(f"--{name}", text)
        self._meant.add(name)

    def _unknown(self, flag: str, value: str | None) -> None:
        place = f"argument {self._at}"
        if not _FLAG.fullmatch(flag):
            self._problem(place, "is no flag. Write each value right after its flag, in quotes if it has spaces.")
            return
        meant = tuple(nearest(flag.strip("-"), (*FLAGS, *TOKENS, "json", *OWN)))
        if value is None:
            value = self._next()
        words = " or ".join(TOKENS.get(name) or f"`--{name}`" for name in meant)
        cure = f"Did you mean {words}?" if meant else "`--help` lists the flags."
        # Every flag is of small letters: what has others may be a token.
        shown = flag if meant or re.fullmatch(r"--?[a-z-]+", flag) else place
        self._problem(shown, f"is not a flag. {cure}")
        self._meant.update(meant)

    def _problem(self, name: str, text: str) -> None:
        self._problems.append(Problem(name, text))

    def _joined(self) -> Iterator[tuple[str, str]]:
        for name, values in self._texts.items():
            if len(values) > 1 and name not in LISTS:
                self._problem(name, "is written more than once. Keep one of them.")
            elif len(values) > 1 and any(map(_is_list, values)):
                self._problem(name, "is written more than once, and has a list. Write one item each time, or one list.")
            yield name, "\n".join(values)


def _is_list(text: str) -> bool:
    return text.strip()[:1] in ("[", "{") or "," in text.partition("=")[0] or len(text.strip().splitlines()) > 1


def as_flags(text: str) -> str:
    """Return a message in the command line's words, with inputs named as it has them: `--service`, `DX_TOKEN`.

    What others wrote stays as it is: a request's body, the values of an indented row, and what is quoted.
    """
    if text.lstrip().startswith("{"):
        return text
    if text.startswith("  "):
        return _FROM_INPUT.sub(lambda found: _flag(found[1]) or found[0], text)
    parts = _FOREIGN.split(text)
    in_cell = False
    for index, part in enumerate(parts):
        if index % 2:
            continue
        worded = _OF_A_WORKFLOW.sub(lambda found: WORKFLOW_PHRASES[found[0]], part)
        before, column, after = ("", "", worded) if in_cell else worded.partition(", column `")
        parts[index] = f"{_NAMED.sub(_as_flag, before)}{column}{after}"
        in_cell = in_cell or bool(column)
    return "".join(parts)


def _as_flag(found: re.Match[str]) -> str:
    name, value, source = found.groups()
    flag = _flag(name or source)
    if not flag:
        return found[0]
    shown = value.replace(":", "", 1) if value and flag.startswith("--") else ""
    return f"from {flag}" if source else f"`{flag}{shown}`"


def _flag(name: str | None) -> str:
    """Return what an input is called on the command line; empty for what is none."""
    if name in TOKENS:
        return TOKENS[name]
    return f"--{name}" if name in (*FLAGS, "json") else ""
