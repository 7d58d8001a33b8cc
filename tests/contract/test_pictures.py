"""The documentation's pictures of summaries: what they were made of is what the action writes."""

import re

import pytest

from gfm import check_summary
from pictures.summaries import FOLDER, summaries
from runner import ROOT


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return summaries()


def test_each_picture_is_of_what_is_written(written: dict[str, str]) -> None:
    """Where this fails, the summary has changed on purpose: `make pictures`."""
    assert written == {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    for text in written.values():
        check_summary(text)


def test_the_pages_show_them(written: dict[str, str]) -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    shown = re.findall(r"!\[[^]]+\]\(\.\./\.github/pictures/(\w+)\.png\)", pages)
    assert set(shown) >= set(written)
    assert all((FOLDER / f"{name}.png").stat().st_size < 400_000 for name in written)
