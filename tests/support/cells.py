"""Strategies for the cells of a backfill's rows."""

from hypothesis import strategies as st

LINES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=20)
SERVICES = st.builds(lambda one: {"identifier": one}, LINES.filter(str.strip))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | LINES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LINES, inner, max_size=3),
    max_leaves=6,
)
CELLS = st.fixed_dictionaries(
    {"deployed_at": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")},
    optional={
        "reference_id": LINES,
        "service": SERVICES,
        "repository": LINES,
        "commit_sha": st.from_regex(r"[0-9a-fA-F]{7,40}", fullmatch=True),
        "integration_branch": LINES,
        "environment": LINES,
        "success": st.booleans(),
        "source_url": st.just("https://ci.example/é?a=1,2"),
        "source_name": LINES,
        "metadata": st.dictionaries(LINES, JSON, max_size=3),
        "method": st.sampled_from(["create", "upsert"]),
    },
)
