r"""Owns GitHub's CODEOWNERS: which teams, people and addresses own a changed file. Pure.

The patterns are gitignore's but for what GitHub says of them: no `!`, no [a-z] (a line with a bracket that is not escaped is not
valid), no `\#`, no `***`; and `docs/*`, unlike in gitignore, does not reach into the folders below docs. The last rule that
matches decides; one without owners takes the file away from all. A line that is not valid is passed over, as GitHub does.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from dx_action.errors import InvalidValue
from dx_action.services.path_tree import PathTree, Rule, read_rule
from dx_action.services.service import Ownership, Service, naming, text_of

# The first that is there counts.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
TOO_LARGE = 3 << 20

_PATTERN = re.compile(r"((?:\\.|[^\s\\])+)(?:\s+(.*))?")
_ESCAPED = re.compile(r"\\.")
_OWNER = re.compile(
    r"""
    @[A-Za-z0-9_-]+/(?P<team>[A-Za-z0-9_.-]+)
    | @(?P<user>[A-Za-z0-9_-]+)
    | (?P<address>[!-?A-~]+@[\w-]+(?:\.[\w-]+)+)
    """,
    re.VERBOSE,
)


class Codeowners(Ownership):
    """The rules of one CODEOWNERS file. `warnings` tells each line that GitHub and this action pass over."""

    def __init__(self, rules: list[tuple[Rule, tuple[Service, ...]]], warnings: tuple[str, ...]) -> None:
        self.warnings = warnings
        self._owners = [owners for _, owners in rules]
        self._tree = PathTree((rule for rule, _ in rules), self._owned)

    def services_at(self, path: str) -> tuple[Service, ...]:
        """Give the owners of the last rule that matches the path."""
        return self._tree.at(path)

    def _owned(self, last: Mapping[int, int]) -> tuple[Service, ...]:
        return self._owners[last[0]] if last else ()


def parse_codeowners(data: bytes | str, name: str) -> Codeowners:
    """Read the file. Raises InvalidValue, which begins with `name`, where GitHub would not load it."""
    with naming(name):
        text = text_of(
            data, TOO_LARGE - 1, "is 3 MB or larger, and GitHub does not load it either. Join rules by wildcards."
        )
    rules: list[tuple[Rule, tuple[Service, ...]]] = []
    warnings: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            rules += _rule(line.strip())
        except InvalidValue as wrong:
            warnings.append(f"{name} {wrong} (line {number}). GitHub passes over this line; mend it or take it out.")
    return Codeowners(rules, tuple(warnings))


def _rule(line: str) -> list[tuple[Rule, tuple[Service, ...]]]:
    if not line or line.startswith("#"):
        return []
    written = _PATTERN.fullmatch(line)
    if written is None:
        raise InvalidValue("has a rule whose pattern ends in a \\ that escapes nothing")
    pattern, rest = written.groups()
    _check(pattern)
    owners: dict[str, Service] = {}
    for word in (rest or "").split():
        if word.startswith("#"):
            break
        owner = _OWNER.fullmatch(word)
        if owner is None:
            raise InvalidValue("has an owner that is none of @user, @org/team and an e-mail address")
        identifier = owner["team"] or owner["user"] or owner["address"]
        owners[identifier] = Service(identifier)
    rule = read_rule(pattern)
    if rule.itself and rule.parts[-1] == "*":
        rule = replace(rule, below=False)
    return [(rule, tuple(owners.values()))]


def _check(pattern: str) -> None:
    plain = _ESCAPED.sub("/", pattern)
    if pattern.startswith("!"):
        raise InvalidValue("has a pattern that begins with !, which CODEOWNERS does not have")
    if pattern.startswith("\\#"):
        raise InvalidValue("has a pattern that begins with \\#, which CODEOWNERS does not have")
    if "[" in plain or "]" in plain:
        raise InvalidValue("has a pattern with a [ or ] that is not escaped as \\[ or \\]")
    if "***" in plain:
        raise InvalidValue("has a pattern with ***")
    if "\\/" in _ESCAPED.findall(pattern) or not pattern.strip("/"):
        raise InvalidValue("has a pattern that names no path")
