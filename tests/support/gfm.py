"""A summary as GitHub shows it: rendered by GitHub's own fork of CommonMark, and searched for what GitHub then makes of plain text.

After the rendering, GitHub turns mentions, issues, commits, emoji codes and formulas into links and pictures, but not within
`code`, `pre` and `a`. No library has these filters, so their patterns are here.
"""

import re
from collections import Counter
from html.parser import HTMLParser

import cmarkgfm
from cmarkgfm.cmark import Options

_OPTIONS = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
# What our own template is made of, each element with the attributes that it may have.
_TEMPLATE = "h3 h4 p blockquote ul li strong table tr details summary code samp span"
_ELEMENTS: dict[str, set[str]] = {
    **{name: set() for name in _TEMPLATE.split()},
    "th": set(),
    "td": {"nowrap", "align"},
    "pre": {"lang"},
    "a": {"href"},
}
_QUIET = {"code", "pre", "a"}
# What GitHub's filters find in a text. Those of names and numbers need no existing name or number here.
REFERENCES = {
    "mention": re.compile(r"@[a-z0-9]", re.IGNORECASE),
    "issue": re.compile(r"#\d|\bGH-\d", re.IGNORECASE),
    "commit": re.compile(r"[0-9a-f]{7}", re.IGNORECASE),
    "emoji": re.compile(r":(?:[0-9_+-]*[a-z_+-][\w+-]*|100|1234):", re.IGNORECASE),
    "address": re.compile(r"https?://|ftp://|\bwww\.", re.IGNORECASE),
    "formula": re.compile(r"\$"),
}


class Page(HTMLParser):
    """The elements and the texts of a rendered summary. Raises AssertionError for what no summary has."""

    def __init__(self, markdown: str) -> None:
        super().__init__(convert_charrefs=True)
        self.count: Counter[str] = Counter()
        self.links: list[tuple[str, str]] = []
        self.fences: list[tuple[str, str]] = []
        self.rows: list[list[str]] = []
        self.headings: list[str] = []
        self.text = ""
        self._open: list[str] = []
        # A text may come in several pieces, which are one for GitHub.
        self._piece = ""
        self.feed(
            cmarkgfm.github_flavored_markdown_to_html(markdown, options=_OPTIONS | Options.CMARK_OPT_GITHUB_PRE_LANG)
        )
        self.close()
        self._end_of_text()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._end_of_text()
        given = dict(attributes)
        assert tag in _ELEMENTS, f"<{tag}> of {given}"
        assert given.keys() <= _ELEMENTS[tag], f"<{tag}> with {given}"
        self.count[tag] += 1
        self._open.append(tag)
        if tag == "a":
            assert re.match("https?://", given["href"] or ""), given
            self.links.append((given["href"] or "", ""))
        elif tag == "pre":
            self.fences.append((given.get("lang") or "", ""))
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag in ("h3", "h4"):
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        self._end_of_text()
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self._piece += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")

    def _end_of_text(self) -> None:
        text, self._piece = self._piece, ""
        self.text += text
        if "a" in self._open:
            self.links[-1] = (self.links[-1][0], self.links[-1][1] + text)
        if "pre" in self._open:
            self.fences[-1] = (self.fences[-1][0], self.fences[-1][1] + text)
        if {"h3", "h4"} & set(self._open):
            self.headings[-1] += text
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += text
        if not _QUIET & set(self._open):
            for name, pattern in REFERENCES.items():
                # A lone dollar sign in an element of its own begins no formula.
                if not (name == "formula" and text == "$" and self._open[-1:] == ["span"]):
                    assert not pattern.search(text), f"{name} in {text!r}"


def check_summary(summary: str) -> Page:
    """Make sure that nothing in a summary is markup but what the action itself writes, and return it as GitHub shows it."""
    page = Page(summary)
    source = summary
    for _, text in page.fences:
        source = source.replace(f"\n{text}", "\n", 1)
    # What the renderer makes of a text has none of our marks in the source.
    assert len(page.links) == source.count('<a href="'), page.links
    assert len(page.headings) == len(re.findall("^####? ", source, re.MULTILINE))
    assert page.count["strong"] == source.count("**failed**")
    assert page.count["blockquote"] == len(re.findall(r"^> \[!", source, re.MULTILINE)), summary
    for language, text in page.fences:
        assert language in ("text", "json", "mermaid"), language
        if language == "mermaid":
            assert re.fullmatch(r'[a-zA-Z0-9 %:,#"\[\]>{}\n-]+', text), text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", summary)
    widths = {len(row) for row in page.rows}
    assert 0 not in widths
    return page
