"""Strategies for the cells of a backfill's rows."""

from collections.abc import Callable

from hypothesis import strategies as st

from builders import NOW
from dx_action.errors import InvalidValue
from dx_action.inputs.values import parse_name, parse_repository, parse_sha, parse_source_name


def _reads(parse: Callable[[str], str]) -> Callable[[str], bool]:
    def reads(text: str) -> bool:
        try:
            parse(text.strip())
        except InvalidValue:
            return False
        return True

    return reads


LINES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
MOMENTS = st.datetimes(NOW.replace(year=2000, tzinfo=None), NOW.replace(tzinfo=None))
NAMES = LINES.filter(_reads(parse_name))
SERVICES = st.builds(lambda one: {"identifier": one}, LINES.filter(str.strip))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | LINES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LINES, inner, max_size=3),
    max_leaves=6,
)
CELLS = st.fixed_dictionaries(
    {"deployed_at": MOMENTS.map(lambda moment: f"{moment.isoformat()}Z")},
    optional={
        "reference_id": NAMES,
        "service": SERVICES,
        "repository": LINES.filter(_reads(parse_repository)),
        "commit_sha": st.from_regex(r"[0-9a-fA-F]{7,40}", fullmatch=True).filter(_reads(parse_sha)),
        "integration_branch": NAMES,
        "environment": NAMES,
        "success": st.booleans(),
        "source_url": st.just("https://ci.example/é?a=1,2"),
        "source_name": LINES.filter(_reads(parse_source_name)),
        "metadata": st.dictionaries(LINES, JSON, max_size=3),
        "method": st.sampled_from(["create", "upsert"]),
    },
)
