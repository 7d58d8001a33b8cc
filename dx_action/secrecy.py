"""The secrets that a run knows, and the search for them in whatever leaves it. Pure.

A text is read as it is, then with its JSON escapes, percent codes and HTML entities decoded, and so on for what is encoded several
times. The elements with which `text.escaped` breaks links in a summary are passed over. Base64 is not decoded: a secret has three
forms in it, by the place where it begins.
"""

import re
from binascii import b2a_base64
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from dx_action.text import one_line

HIDDEN = "***"
# A shorter text is part of other words by chance: it counts only as a word of its own.
_WORD = 4
# A password is more often a common word than a token is.
_PASSWORD_WORD = 8
# A part of a secret that has this length counts as the secret, where something may have been cut off or split.
_BEGINNING = 8
_LEVELS = 4
_ENCODED = re.compile(
    r"""\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))|%([0-9a-fA-F]{2})"""
    r"""|&(?:\#([0-9]{1,7})|\#[xX]([0-9a-fA-F]{1,6})|(quot|amp|lt|gt|apos));"""
    r"""|</?span>"""
)
_NAMED = {
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "quot": '"',
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "apos": "'",
}


_Decoder = Callable[[re.Match[str]], str]


class Secret(NamedTuple):
    """A secret. `name` is what a message calls it, such as "the text of `dx-token`"."""

    name: str
    text: str
    password: bool = False


class _Form(NamedTuple):
    """A text by which a secret is found. `word`: it counts only if no letter or digit is beside it."""

    text: str
    secret: str
    word: bool


class Secrets:
    """The secrets of a run. Every search takes time that grows with the text alone."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        known = tuple(secrets)
        self._names = tuple(dict.fromkeys(secret.name for secret in known))
        forms = (form for secret in known for part in _parts(secret.text) for form in _forms(secret, part))
        # The longest first, so that the whole of a secret is hidden and not a shorter form within.
        self._forms = tuple(sorted(dict.fromkeys(forms), key=lambda form: -len(form.text)))

    def names_in(self, text: str) -> tuple[str, ...]:
        """Return the names of the secrets that the text contains, in whatever form."""
        readings = [reading.text for reading in _readings(text)]
        found = {form.secret for reading in readings for form in self._forms if _has(reading, form)}
        return tuple(name for name in self._names if name in found)

    def scrubbed(self, text: str) -> str:
        """Return the text with each secret replaced, and also the beginning of one that was cut."""
        spans: list[tuple[int, int]] = []
        for reading in _readings(text):
            for start, end in self._spans(reading.text):
                spans.append((reading.origin(start), reading.origin(end)))
        return _replaced(text, spans) if spans else text

    def _spans(self, reading: str) -> Iterator[tuple[int, int]]:
        for form in self._forms:
            start = reading.find(form.text)
            while start >= 0:
                end = start + len(form.text)
                if not form.word or _is_word(reading, start, end):
                    yield start, end
                start = reading.find(form.text, end)
        if "…" in reading:
            for form in self._forms:
                yield from _beginnings(reading, form.text)


NO_SECRETS = Secrets()


def _parts(text: str) -> set[str]:
    """Return the text, its lines, and what a list or `identifier=name` would make of it, if that is long enough to be secret."""
    lines = {line.strip() for line in (text, *text.splitlines())} - {""}
    return lines | {part for line in lines for part in re.split("[=,]", line) if len(part) >= _BEGINNING}


def _forms(secret: Secret, text: str) -> Iterator[_Form]:
    least = _PASSWORD_WORD if secret.password else _WORD
    # As it is, within a line of the log, in a cell of a CSV, and as names of columns and variables are shown.
    texts = {text, one_line(f".{text}")[1:], text.replace('"', '""'), text.replace("`", "")}
    texts |= {form.lower() for form in texts if len(form) >= _BEGINNING}
    if not text.isascii():
        texts.add(text.encode(errors="replace").decode("latin-1"))  # each byte's percent code, decoded alone
    # What is encoded in the secret itself is decoded with the text around it.
    texts |= {reading.text for form in texts for reading in _readings(form)}
    # A few letters that are left then are no secret. What is empty would be found everywhere, without end.
    for form in (form for form in texts if len(form) >= min(len(text), _WORD)):
        yield _Form(form, secret.name, len(form) < least)
    if len(text) >= least:
        for form in _base64(text.encode(errors="replace")):
            yield _Form(form, secret.name, word=False)


def _base64(data: bytes) -> Iterator[str]:
    """Yield the characters that the bytes alone decide, for each of the three places at which they can begin, in both alphabets."""
    for before in range(3):
        encoded = b2a_base64(bytes(before) + data, newline=False).decode().rstrip("=")
        last = len(encoded) - bool((before + len(data)) % 3)
        core = encoded[(0, 2, 3)[before] : last]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _readings(text: str) -> Iterator["_Reading"]:
    """Yield the text, what it reads as once decoded and so on, and what it reads as if only markup is.

    A secret `a_%0` before a 2 is `a&#95;%02` in a summary: decoded at once, the percent code takes the secret's end with it.
    """
    first = _Reading(text)
    reading: _Reading | None = first
    for _ in range(_LEVELS + 1):
        if reading is None:
            break
        yield reading
        reading = reading.next()
    if markup := first.next(_markup):
        yield markup


def _character(found: re.Match[str]) -> str:
    """Return the one character that an escape, a code or an entity is; for an element, none."""
    if found[0].startswith("<"):
        return ""
    unicode, escape, percent, decimal, hexadecimal, entity = found.groups()
    if named := escape or entity:
        return _NAMED.get(named, named)
    number = int(decimal) if decimal else int(unicode or percent or hexadecimal, 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"


def _markup(found: re.Match[str]) -> str:
    return found[0] if found[0][0] in "\\%" else _character(found)


def _decoded(text: str, character: _Decoder = _character) -> str | None:
    """Return the text with what is encoded in it decoded once; None if nothing is."""
    if "\\" not in text and "%" not in text and "&" not in text and "span>" not in text:
        return None
    decoded = _ENCODED.sub(character, text)
    return decoded if decoded != text else None


def _has(reading: str, form: _Form) -> bool:
    start = reading.find(form.text)
    while form.word and start >= 0 and not _is_word(reading, start, start + len(form.text)):
        start = reading.find(form.text, start + 1)
    return start >= 0


def _is_word(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


def _beginnings(reading: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of a beginning of the text that ends where something was cut."""
    if len(text) <= _BEGINNING:
        return
    start = reading.find(text[:_BEGINNING])
    while start >= 0:
        end = start + _BEGINNING
        while end - start < len(text) and reading[end : end + 1] == text[end - start]:
            end += 1
        if reading[end : end + 1] == "…":
            yield start, end
        start = reading.find(text[:_BEGINNING], start + 1)


class _Reading:
    """A text, or what it reads as once decoded from `source`, and where each of its characters stood in the first of them."""

    def __init__(self, text: str, source: "_Reading | None" = None, character: _Decoder = _character) -> None:
        self.text, self._source, self._character = text, source, character

    def next(self, character: _Decoder = _character) -> "_Reading | None":
        decoded = _decoded(self.text, character)
        return _Reading(decoded, self, character) if decoded else None

    def origin(self, index: int) -> int:
        if self._source is None:
            return index
        here, there = self._ends
        last = bisect_right(here, index) - 1
        return self._source.origin(index if last < 0 else there[last] + index - here[last])

    @cached_property
    def _ends(self) -> tuple[list[int], list[int]]:
        """Return the places right behind each decoded character, here and in the source."""
        here, there, shorter = list[int](), list[int](), 0
        for found in _ENCODED.finditer(self._source.text if self._source else ""):
            shorter += found.end() - found.start() - len(self._character(found))
            here.append(found.end() - shorter)
            there.append(found.end())
        return here, there


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    parts, last = list[str](), 0
    for start, end in sorted(spans):
        if start >= last:
            parts += [text[last:start], HIDDEN]
        last = max(last, end)
    return "".join((*parts, text[last:]))
