"""The text of `--help`: the flags in the groups of docs/inputs.md, each with its input's description. Pure."""

from collections.abc import Iterator
from textwrap import fill

from dx_action.inputs.arguments import LISTS, YES_OR_NO, as_flags
from dx_action.inputs.descriptions import DESCRIPTIONS
from dx_action.inputs.model import Inputs

GROUPS = {
    "Connection": ("dx-host", "ca-bundle", "timeout"),
    "What was deployed": (
        *("operation", "service", "services-from", "service-map", "repository", "commit-sha", "attribution"),
        *("merge-commit-shas", "since-sha", "integration-branch", "deployed-at", "success", "environment"),
        *("reference-id", "source-url", "source-name", "lead-time-metadata", "extra-metadata", "metadata"),
    ),
    "When to register, and how strictly": (
        *("only-branches", "only-environments", "set-pull-services", "replace-pull-services", "pull-number", "pull-id"),
        *("confirm-delete", "method", "on-conflict", "fail-on-error", "dry-run", "show-pull-requests", "failed-file"),
    ),
    "Backfill": (*("since", "until", "workflow-jobs", "backfill-file", "csv-file", "max-per-second", "concurrency"),),
}
# Where there is no event, no job and no workspace, these differ from what `action.yml` says.
OWN_WORDS = {
    "ca-bundle": "A PEM file with CAs to trust in addition to the public ones",
    "operation": "`deploy` registers a deployment. `set-pull-services` sets in DX which services a pull request touches, or with "
    "`--since` each one that was merged since then, and registers nothing. `backfill` registers past deployments, from GitHub's "
    "history or a file. `update` and `delete` correct one deployment that DX has. `check` registers nothing, and says whether a "
    "deployment would work",
    "service": "One or more services, `identifier` or `identifier=Display Name`. Default, the repository's own name",
    "repository": "The repository as DX names it, such as acme/shop. Required to register",
    "commit-sha": "The deployed commit, 7 to 40 hexadecimal digits. Required to register, unless `--merge-commit-shas` or "
    "`--attribution repository` is written",
    "attribution": "How DX attributes the deployment: by `commit` (default), `repository`, or `merge-commits` (implied by "
    "`--merge-commit-shas`; without that list, those that ship since the previous deployment)",
    "merge-commit-shas": "The merge commits that this deployment ships",
    "since-sha": "The commit that was deployed before, to find merge commits, the pull requests that ship, or services by the "
    "files that changed. Default, the previous one in GitHub's deployment history, but not for files",
    "deployed-at": "When production changed, ISO-8601 with a time zone, Unix seconds or milliseconds. Default, now",
    "success": "Whether the deployment succeeded, `true` (default) or `false`, or the result of a job, such as `success` or "
    "`failure`; `cancelled` and `skipped` register nothing",
    "environment": "The environment. Without it, DX counts the deployment as `production`",
    "reference-id": "The deployment's unique id in DX. Required to register: the same if this deployment is sent again, and no "
    "other deployment's",
    "source-url": "A page about the deployment. Default, none",
    "source-name": "The name of the system that deployed, such as Argo CD. Default, none",
    "extra-metadata": "Facts to add to `--metadata`, a list of `rollback` and `pull_requests`, if they were looked up",
    "only-branches": "Globs of the branches that count in a backfill from GitHub's history, by default every one, or with "
    "`--operation set-pull-services --since`, by default the default branch",
    "only-environments": "Globs of the environments that count in a backfill from GitHub's history. Default, production "
    "environments and `prod*`",
    "pull-number": "The pull request's number, for its services",
    "pull-id": "The pull request's id at GitHub, for its services",
    "confirm-delete": "With `--operation delete`, the `--reference-id` again; in a backfill with rows to delete, their number. "
    "Without it nothing is deleted",
    "fail-on-error": "Which failures end with exit code 1: `true` (each), `except-outages` (what you have to correct) or `false` "
    "(none). The others are warnings",
    "show-pull-requests": "Look up the pull requests that this deployment ships, for `--json`",
    "failed-file": "A file to which every request is appended, as JSON lines, whose outcome DX has not confirmed",
    "since": "With `backfill`, the start of the window over GitHub's deployment history; default, 90 days ago. "
    "With `--operation set-pull-services`, set the services of every pull request that was merged from then on",
    "workflow-jobs": "With `backfill`, also register the deployments that GitHub created for the repository's own workflow jobs",
    "backfill-file": "With `backfill`, a CSV or JSON Lines file, used instead of GitHub's history",
    "csv-file": "With `backfill`, write the CSV for DX's own import to this file, and send nothing",
}
USAGE = """\
usage: docker run --rm -e DX_HOST -e DX_TOKEN IMAGE --flag value ...
       entrypoint.py --flag value ...        (in a checkout)
       --help lists the flags, --version says which one this is."""
_ABOUT = """\
Registers a deployment in DX from any system that can run a command.

Examples:
  # a deployment; in a retry the same id is registered only once
  ... --service web --repository acme/shop --commit-sha "$SHA" --reference-id "$BUILD_ID"
  # a failed one, and which system deployed
  ... --service web --repository acme/shop --commit-sha "$SHA" --reference-id "$BUILD_ID" \\
      --success false --source-name "Argo CD"
  # show what would be sent, and send nothing
  ... --service web --repository acme/shop --commit-sha "$SHA" --reference-id test --dry-run
  # past deployments, from a file in the current folder
  ... --operation backfill --backfill-file deployments.csv

Variables:
  DX_HOST       your DX instance, such as acme.getdx.net; --dx-host goes before it
  DX_TOKEN      a DX Data Cloud API token. A token is never taken as a flag
  GITHUB_TOKEN  for look-ups at GitHub, which only read. Most commands look nothing up
  NO_COLOR      no colours, if it is not empty

Flags take their value as `--flag value` or `--flag=value`. A flag of yes or no may stand alone.
A blank value is none. Files are relative to the current folder, and inside of it.
The exit code is 0, or 1 for any failure."""
_LIST = " Write it once for each, or one list, by commas, lines or as JSON"
_INDENT = " " * 6
# What a flag takes, by its name or the last part of it; else it is that part.
_VALUES = {
    "FILE": ("file", "ca-bundle", "service-map"),
    "TIME": ("deployed-at", "since", "until"),
    "SECONDS": ("timeout",),
    "NUMBER": ("max-per-second", "concurrency"),
    "ID": ("confirm-delete",),
    "SOURCE": ("services-from",),
    "TIMES": ("lead-time-metadata",),
    "FACTS": ("extra-metadata",),
    "ACTION": ("on-conflict",),
    "FAILURES": ("fail-on-error",),
}


def help_text(width: int) -> str:
    """Return the whole text, its descriptions wrapped at `width` columns."""
    own = {
        "--json": "Write one JSON object with the outputs to the standard output, and the log to the standard error",
        "--help": "Show this text",
        "--version": "Show the version",
    }
    parts = [USAGE.rpartition("\n")[0], _ABOUT]
    for group, names in GROUPS.items():
        parts.append("\n".join((f"{group}:", *(line for name in names for line in _flag(name, width)))))
    parts.append("\n".join(("Output:", *(line for flag, text in own.items() for line in _entry(flag, text, width)))))
    return "\n\n".join(parts)


def _flag(name: str, width: int) -> Iterator[str]:
    text = OWN_WORDS.get(name) or as_flags(DESCRIPTIONS[name])
    default = Inputs.model_fields[name.replace("-", "_")].default
    if isinstance(default, str | float | int) and name not in YES_OR_NO:
        shown = f"{default:g}" if isinstance(default, float) else default
        text += f". Default, `{shown}`"
    if name in LISTS:
        text += f".{_LIST}"
    yield from _entry(f"--{name}" if name in YES_OR_NO else f"--{name} {_metavar(name)}", text, width)


def _entry(flag: str, text: str, width: int) -> Iterator[str]:
    yield f"  {flag}"
    yield fill(
        f"{text}.",
        max(width, 40),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _metavar(name: str) -> str:
    last = name.rpartition("-")[2]
    return next((shown for shown, names in _VALUES.items() if name in names or last in names), last.upper())
