"""Owns which inputs cannot stand together, and what an operation cannot take. Pure."""

from collections.abc import Mapping

from dx_action.errors import Problem
from dx_action.inputs.values import bare_token

_SECRET = 8
_OF_A_BACKFILL = ("since", "until", "backfill-file", "csv-file")
_OF_EACH = "is each deployment's own in a backfill. Leave it out."
_OF_ONE = {
    "commit-sha": _OF_EACH,
    "merge-commit-shas": _OF_EACH,
    "deployed-at": _OF_EACH,
    "reference-id": _OF_EACH,
    "since-sha": "is the commit before one deployment, and a backfill is of many. Leave it out.",
    "pull-number": "is of one pull request, and a backfill is of many deployments. Leave it out.",
    "pull-id": "is of one pull request, and a backfill is of many deployments. Leave it out.",
    "service-map": "says what one change touched, and a backfill looks no changes up. Give `service`, or leave it out.",
}
_NO_PULLS = "is for the pull requests of one deployment, and a backfill sends none. Leave it out."


def together(raw: Mapping[str, str]) -> list[Problem]:
    """Find what cannot stand together in what was written, by input name."""
    attribution, source = (raw.get(name, "").lower() for name in ("attribution", "services-from"))
    token = bare_token(raw.get("dx-token", ""))
    holders = [name for name, text in raw.items() if name != "dx-token" and len(token) >= _SECRET and token in text]
    problems = [Problem(name, "holds the text of `dx-token`. A token stands nowhere but there.") for name in holders]
    if raw.get("operation", "").lower() == "backfill":
        return problems + _backfill(raw)
    text = "is for `operation: backfill` alone. Write that, too, or leave this out."
    strange = [name for name in _OF_A_BACKFILL if name in raw]
    strange += ["workflow-jobs"] if raw.get("workflow-jobs", "").lower() == "true" else []
    problems += [Problem(name, text) for name in strange]
    if raw.get("operation", "").lower() == "set-pull-services":
        text = "is about a deployment, and `operation: set-pull-services` registers none. Leave it out."
        unused = {"show-pull-requests": "false", "lead-time-metadata": "none"}
        problems += [Problem(name, text) for name, no in unused.items() if raw.get(name, no).lower() != no]
    if "merge-commit-shas" in raw and attribution in ("commit", "repository"):
        text = "is not `merge-commits`, yet `merge-commit-shas` is given. Leave one of them out."
        problems.append(Problem("attribution", text))
    if "service-map" in raw and source in ("input", "backstage", "codeowners"):
        problems.append(Problem("services-from", "is not `map`, yet `service-map` is given. Leave one of them out."))
    if source == "map" and "service-map" not in raw:
        problems.append(Problem("service-map", "is missing, and `services-from: map` needs it."))
    told = raw.get("set-pull-services", "").lower() == "true" or raw.get("operation", "").lower() == "set-pull-services"
    if raw.get("replace-pull-services", "").lower() == "true" and not told:
        text = "has nothing to replace: write `set-pull-services: true` or `operation: set-pull-services`, too."
        problems.append(Problem("replace-pull-services", text))
    return problems


def _backfill(raw: Mapping[str, str]) -> list[Problem]:
    given = {name: text.lower() for name, text in raw.items()}
    problems = [Problem(name, text) for name, text in _OF_ONE.items() if name in given]
    pulls = ("set-pull-services", "replace-pull-services")
    problems += [Problem(name, _NO_PULLS) for name in pulls if given.get(name) == "true"]
    if given.get("show-pull-requests") == "true":
        problems.append(
            Problem("show-pull-requests", "is about one deployment, and a backfill is of many. Leave it out.")
        )
    if given.get("lead-time-metadata", "none") != "none":
        text = (
            "is looked up for one deployment, and a backfill is of many. A file's rows have `metadata`. Leave it out."
        )
        problems.append(Problem("lead-time-metadata", text))
    if given.get("services-from", "input") != "input":
        text = "is not `input`: a backfill looks no changes up. Give `service`, or leave this out."
        problems.append(Problem("services-from", text))
    if given.get("attribution") == "merge-commits":
        text = "is `merge-commits`, and a backfill's rows name their own. Leave it out."
        problems.append(Problem("attribution", text))
    return problems + (_of_a_file(given) if "backfill-file" in given else _of_the_history(given))


def _of_a_file(given: Mapping[str, str]) -> list[Problem]:
    problems = [
        Problem(name, "is a window over GitHub's history, and a `backfill-file` is taken whole. Leave one of them out.")
        for name in ("since", "until")
        if name in given
    ]
    if given.get("workflow-jobs") == "true":
        text = "is about GitHub's history, and `backfill-file` is given. Leave one of them out."
        problems.append(Problem("workflow-jobs", text))
    if given.get("attribution") in ("commit", "repository"):
        text = "is what each row of the `backfill-file` says by its cells. Leave it out."
        problems.append(Problem("attribution", text))
    return problems


def _of_the_history(given: Mapping[str, str]) -> list[Problem]:
    if "success" not in given:
        return []
    return [Problem("success", "is what each deployment's own status says in GitHub's history. Leave it out.")]
