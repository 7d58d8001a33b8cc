"""Owns which words of a refusal say that DX holds the `reference_id` already: its page names no code for that. Pure."""

import re

# How a text of DX's is read: `refid` is the id, `x` a value, and what stands between two stops is a statement.
_MOST_READ = 2000
_ID = re.compile(r"""\breference[ -]?(?:id|identifier)s?\b(?:["'`]?:(?=\s|$))?""")
_QUOTED = re.compile(r"""(?<!\w)(["'`])[^\s"'`][^"'`]{0,300}\1""")
_VALUE = re.compile(r"(?<!\S)\S*[\d/@#]\S*?(?=[.,;:!?]?(?:\s|$))")
_STOP = re.compile(r"[.,;:!?](?=\s|$)|\n|\b(?:because|since|as)\b")
_BARE = re.compile(r"^(?:the |this |that )?reference (?=has |is |was |already |must be )")
_OTHERS = (
    r"(?:services?|repo\w*|commits?|shas?|pulls?|branch\w*|environments?|source|teams?|tokens?|accounts?|names?|and|or)"
)
_OTHER = re.compile(rf"\b{_OTHERS}\b")
_THING = r"(?:deployment|record|entry)"
_ANOTHER = r"(?:another|an? (?:other|different|earlier|previous|existing))"
_WHEN = rf"(?: (?:and|but) .*| already| before| twice| elsewhere| (?:by|for|in|with) {_ANOTHER} .*)?"
_USED = "(?:taken|in use|used|held|registered|recorded|created)"
_SAME = r"(?:taken|in use|reused|a duplicate|duplicated?|a conflict|not unique)"
# What says that the id is held; the group is the word that says so.
_HELD = tuple(
    re.compile(form)
    for form in (
        rf"\b(?:refid|{_THING}|it)(?: (?!{_OTHERS}\b)\w+){{0,5}} already (exists?|(?:been )?{_USED})\b(?! (?:is|only|up)\b)",
        rf"^(?:has |is )?already (exists|(?:been )?{_USED})\b",
        rf"\b(already (?:(?:has|have|holds) )?(?:an?|another|one) {_THING})\b",
        rf"\b(there is an existing {_THING}|existing {_THING} (?:has|uses|holds))\b",
        rf"\b{_THING}(?: \w+)? (exists) (?:with|for|under)\b",
        r"\brefid(?: \w+)? (exists)(?:$| (?:with|for|under|and|but)\b)",
        r"\brefid (?:x |value )?(taken|in use|reused|duplicated?|conflict|mismatch|not unique)$",
        rf"\brefid(?: \w+)? ((?:is|was|has been) {_SAME}|(?:was|has been) used){_WHEN}$",
        rf"\brefid (conflicts with {_ANOTHER} {_THING})\b",
        r"\brefid(?: \w+)? (must be unique)(?: (?:across|among|for|per|within|in) .*)?$",
        rf"\b(duplicated?|conflicting) (?:refid|key|{_THING})\b",
        rf"\b(?:refid|{_THING})(?: \w+){{0,5}} ((?:with|has|have|holds) (?:other|different|changed) values)\b",
        r"\b((?:other|different|changed) values (?:were|are))\b",
        r"\b(values (?:have |were |are )?(?:changed|different)|chang(?:es|ed) (?:the |its )?values)\b",
        rf"\bvalues (differ|do not match)(?:$| from those| from the| the existing {_THING})",
        r"\b((?:cannot|cant) change the values|values of (?:this |the )?refid(?: \w+)? (?:cannot|cant) be changed)\b",
    )
)
# What, before that word, makes a denial, a condition, a demand or an advice of it.
_UNLESS = re.compile(
    rf"\b(?:{_OTHERS} of|"
    r"no|not|none|never|nothing|without|cannot|(?:ca|could|did|do|does|has|have|is|was|wo|would)nt|if|unless|whether|when|"
    r"until|only|must|should|shall|needs?|to|requires?|required|ensure|sure|check|verify|expect(?:s|ed)?|may|might|can|could|"
    r"would|please|use|send|try|retry|choose|give|provide|find|invalid|missing|blank|empty|malformed|unknown)\b"
)
_HELD_CODE = re.compile(
    r"conflict|duplicated?(?: (?:key|record|entry|value))?|already (?:exists|taken|used)|taken|not unique"
)
_ABSENT_CODE = re.compile(r"\bnot (?:found|exist)|\bno such\b")
_UNFIT_CODE = re.compile(
    r"\b(?:invalid|missing|blank|empty|required|long|short|length|format|malformed|unknown|unsupported|not (?:valid|present))\b"
)


def says_held(error: str, message: str) -> bool:
    """Tell whether DX says that it holds the `reference_id`: the page names no code for that. In doubt it does not.

    A refusal that is taken for a conflict is a deployment that is missing without a word; the other way round, DX's words are
    shown and a person decides.
    """
    code = " ".join(_statements(error))
    of_id = "refid" in code
    if _ABSENT_CODE.search(code) or (of_id and _UNFIT_CODE.search(code)):
        return False
    statements = _statements(f"{error[:_MOST_READ]}: {message}")
    if any((of_id or "refid" in each) and _held(each) for each in statements):
        return True
    # The code alone says that something is held: it is the id where nothing else is spoken of.
    said = " ".join(statements[1:])
    return bool(_HELD_CODE.fullmatch(code) and "refid" in said and not _UNLESS.search(said) and not _OTHER.search(said))


def _held(statement: str) -> bool:
    found = [match for form in _HELD for match in form.finditer(statement)]
    return any(not _UNLESS.search(statement, 0, match.start(1)) for match in found)


def _statements(text: str) -> list[str]:
    """Give what a text states, in plain words: what stands between two stops, or after a `because`."""
    text = re.sub(r"(?<=\w)['\u2019](?=\w)", "", text[: 2 * _MOST_READ].lower().replace("_", " "))
    text = _QUOTED.sub(lambda match: match[0] if "refid" in match[0] else " x ", _ID.sub(" refid ", text))
    parts = _STOP.split(_VALUE.sub(" x ", text))
    return [_BARE.sub("refid ", " ".join(re.findall(r"\w+", part))) for part in parts]
