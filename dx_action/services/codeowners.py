r"""GitHub's CODEOWNERS: which teams, people and e-mail addresses own a changed file. Pure.

The patterns are gitignore's, except for what GitHub documents: no `!`, no [a-z] (a line with an unescaped bracket is invalid), no
`\#`, no `***`; and `docs/*`, unlike in gitignore, does not reach into the folders below docs. The last rule that matches decides;
one without owners leaves the file without any. GitHub ignores an invalid line.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from dx_action.errors import InvalidValue
from dx_action.services.path_tree import PathTree, Rule, over_a_bound, read_rule, unmatched
from dx_action.services.service import Ownership, Service, naming, text_of

# The first one that exists counts.
PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
TOO_LARGE = 3 << 20
# So many are matched with 20,000 paths within two seconds. A glob such as *a*b* takes longer than any other rule.
MOST_RULES, MOST_GLOBS = 15_000, 5_000

_PATTERN = re.compile(r"((?:\\.|[^\s\\])+)(?:\s+(.*))?")
_ESCAPED = re.compile(r"\\.")
_GLOB = re.compile(r"\*[^*/]+\*")
_OWNER = re.compile(
    r"""
    @[A-Za-z0-9_-]+/(?P<team>[A-Za-z0-9_.-]+)
    | @(?P<user>[A-Za-z0-9_-]+)
    | (?P<address>[!-?A-~]+@[\w-]+(?:\.[\w-]+)+)
    """,
    re.VERBOSE,
)


class _Line(NamedTuple):
    """A rule with its owners, and where it is written."""

    pattern: str
    number: int
    rule: Rule
    owners: tuple[Service, ...]


class Codeowners(Ownership):
    """The rules of one CODEOWNERS file. `warnings` has a sentence for each line that GitHub ignores."""

    def __init__(self, lines: Sequence[_Line], warnings: tuple[str, ...]) -> None:
        self._lines, self.warnings = lines, warnings
        rules = [line.rule for line in lines]
        self._tree = PathTree(rules, lambda last: lines[last[0]].owners if last else tuple[Service, ...]())

    def services_at(self, path: str) -> tuple[Service, ...]:
        """Return the owners in the last rule that matches the path."""
        return self._tree.at(path)

    def known(self, paths: Iterable[str]) -> tuple[Service, ...]:  # noqa: ARG002 - the file has them all
        return tuple(owner for line in self._lines for owner in line.owners)

    def dead(self, paths: Iterable[str]) -> tuple[str, ...]:
        dead = (self._lines[number] for number in unmatched([line.rule for line in self._lines], paths))
        return tuple(f"{line.pattern} (line {line.number})" for line in dead)


def parse_codeowners(data: bytes | str, name: str) -> Codeowners:
    """Read the file. Raises InvalidValue, which begins with `name`, if GitHub would not load it or matching would take too long."""
    lines: list[_Line] = []
    warnings: list[str] = []
    globs = 0
    with naming(name):
        text = text_of(data, TOO_LARGE - 1, "is 3 MB or larger, which GitHub does not load. Combine rules.")
        for number, line in enumerate(map(str.strip, text.split("\n")), 1):
            if not line or line.startswith("#"):
                continue
            if len(lines) == MOST_RULES:
                raise InvalidValue.at(number, f"has more than {MOST_RULES:,} rules", "Combine those of a folder.")
            written = _PATTERN.fullmatch(line)
            if written and (too_much := over_a_bound(written[1])):
                raise InvalidValue.at(number, f"has a pattern {too_much}", "Write a shorter one.")
            globs += bool(written and _GLOB.search(written[1]))
            if globs > MOST_GLOBS:
                what = f"has more than {MOST_GLOBS:,} patterns with two `*` between slashes"
                raise InvalidValue.at(number, what, "Use one, as in *.md.")
            try:
                lines.append(_line(written, number))
            except InvalidValue as wrong:
                warnings.append(f"{name} {wrong} (line {number}). GitHub ignores this line. Fix or remove it.")
    return Codeowners(lines, tuple(warnings))


def _line(written: re.Match[str] | None, number: int) -> _Line:
    if written is None:
        raise InvalidValue("has a rule whose pattern ends in a \\ that escapes nothing")
    pattern, rest = written.groups()
    _check(pattern)
    rule = read_rule(pattern)
    if rule.itself and rule.parts[-1] == "*":
        rule = replace(rule, below=False)
    owners: dict[str, Service] = {}
    for word in (rest or "").split():
        if word.startswith("#"):
            break
        owner = _OWNER.fullmatch(word)
        if owner is None:
            raise InvalidValue("has an owner that is not @user, @org/team or an e-mail address")
        identifier = owner["team"] or owner["user"] or owner["address"]
        owners[identifier] = Service(identifier)
    return _Line(pattern, number, rule, tuple(owners.values()))


def _check(pattern: str) -> None:
    plain = _ESCAPED.sub("/", pattern)
    for start in ("!", "\\#"):
        if pattern.startswith(start):
            raise InvalidValue(f"has a pattern that begins with {start}, which CODEOWNERS does not support")
    if "[" in plain or "]" in plain:
        raise InvalidValue("has a pattern with a [ or ] that is not escaped as \\[ or \\]")
    if "***" in plain:
        raise InvalidValue("has a pattern with ***")
    if "\\/" in _ESCAPED.findall(pattern) or not pattern.strip("/"):
        raise InvalidValue("has a pattern that names no path")
