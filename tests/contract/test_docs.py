"""The documentation: what it says of inputs, outputs and errors is what the code has, and every page can be found."""

import re
import sqlite3
from textwrap import dedent

import pytest
import yaml

import documents
from documents import anchors, links, names, prose, read, rows, section
from dx_action.deployment import trigger
from dx_action.dx.answers import HELD_CODES, HELD_ENDS, HELD_WORDS, NOT_HELD
from dx_action.report.failures import ADVICE
from environment import SENTENCES
from runner import ROOT, action

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))
LINKING = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", *PAGES]
LINKING += ["examples/README.md", "examples/migrating.md", "tests/README.md"]
INPUTS, ERRORS = "docs/inputs.md", "docs/errors.md"


# What is compared with action.yml and the code.


def test_every_input_with_its_default() -> None:
    found = rows(section(INPUTS, "## Inputs"))
    declared = [
        (f"`{name}`", f"`{about['default']}`" if "default" in about else "—")
        for name, about in action()["inputs"].items()
    ]
    assert sorted((row[0], row[1]) for row in found) == sorted(declared)
    assert all(len(row) == 3 and row[2] for row in found)


def test_every_output() -> None:
    found = [
        row for row in rows(section(INPUTS, "## Outputs")) if row[0] in {f"`{name}`" for name in action()["outputs"]}
    ]
    assert [row[0] for row in found] == [f"`{name}`" for name in action()["outputs"]]
    assert all(len(row) == 2 and row[1] for row in found)


def test_every_status() -> None:
    described = names(action()["outputs"]["status"]["description"])
    found = rows(section(INPUTS, "## Outputs"))
    (row,) = (row for row in found if row[0] == "`status`")
    assert names(row[1].partition("One of")[2]) == described
    assert [row[0] for row in found[-len(described) :]] == [f"`{status}`" for status in described]
    assert set(described) <= set(names(section("README.md", "## Outputs")))


def test_the_front_page_names_inputs_that_there_are() -> None:
    found = [(name, row[1]) for row in rows(section("README.md", "## Inputs")) for name in names(row[0])]
    assert 10 <= len(found) <= 16
    for name, default in found:
        written = action()["inputs"][name].get("default")
        assert written is None or default == f"`{written}`", name


def test_every_error_with_its_sentence() -> None:
    found = {name: row[1] for row in rows(section(ERRORS, "## Messages by code")) for name in names(row[0])}
    assert {code: found.get(code) for code in ADVICE} == ADVICE, "run `python tests/support/documents.py`"


@pytest.mark.parametrize("page", documents.WRITTEN)
def test_what_the_code_writes_of_a_page_is_in_it(page: str) -> None:
    assert documents.renewed(page) == read(page), "run `python tests/support/documents.py`"


def test_the_page_without_docker_has_the_messages_of_its_start() -> None:
    begins = [row[0] for row in rows(section("docs/native.md", "## When it does not start"))]
    start = read("native/start.sh").replace("$old", "3.9")
    found = [*SENTENCES.values(), *re.findall(r'^  reason="(.*)"$', start, re.MULTILINE)]
    assert [text for text in found if sum(text.startswith(begin) for begin in begins) != 1] == []
    assert len(begins) == len(found) == len(SENTENCES) + 2


def test_the_page_of_errors_has_the_lists_of_conflicts() -> None:
    assert all(f"- `{code}`\n" in section(ERRORS, "## Conflicts") for code in HELD_CODES)
    assert all(f"- {words}\n" in section(ERRORS, "## Conflicts") for words in HELD_WORDS)
    assert all(f"*{words}*" in section(ERRORS, "## Conflicts") for words in (*HELD_ENDS, *NOT_HELD))


def test_the_row_of_events_that_name_no_deployed_commit() -> None:
    found = [names(row[0]) for row in rows(section("docs/events.md", "## Which event registers what"))]
    assert set(next(row for row in found if "merge_group" in row)) == trigger._NAMES_NO_DEPLOYED_COMMIT


def test_the_front_page_counts_what_was_compared() -> None:
    compared = len(rows(section("examples/migrating.md", "## Side by side")))
    assert f"in {compared} situations" in read("README.md")


# What can be found.


def test_the_front_page_is_one() -> None:
    assert read("README.md").count("\n") <= 200
    assert "Nothing is released yet" in read("README.md")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_short(page: str) -> None:
    assert read(page).count("\n") <= 250


def test_every_page_can_be_reached_from_the_front_page() -> None:
    reached, waiting = {"README.md"}, ["README.md"]
    while waiting:
        linked = {to for to, _ in links(waiting.pop()) if to.endswith(".md")} - reached
        reached |= linked
        waiting += linked
    assert set(LINKING) <= reached


@pytest.mark.parametrize("page", LINKING)
def test_links_lead_somewhere(page: str) -> None:
    for to, anchor in links(page):
        assert (ROOT / to).exists(), to
        assert not anchor or anchor in anchors(to), f"{to}#{anchor}"


@pytest.mark.parametrize("page", [page for page in LINKING if page != "CHANGELOG.md"])
def test_steps_give_inputs_that_there_are(page: str) -> None:
    """In every example of a page, what stands below this action's `with:` is an input."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)
    for block in blocks:
        assert yaml.load(dedent(block), Loader=yaml.BaseLoader)
        for indent, given in re.findall(
            r"uses: your-org/dx-deployment-action(?:/native)?@.*\n( *)with:.*\n((?:\1 +.*\n)+)", block
        ):
            written = re.findall(rf"^{indent}  ([\w-]+):", given, re.MULTILINE)
            assert written
            assert set(written) <= action()["inputs"].keys(), page


# The columns of DX's tables, from its pages below https://docs.getdx.com/schema/. Those of github_pull_deployments are the ones
# that its siblings ado_pull_deployments and cursor_origin_pull_deployments share.
TABLES = {
    "deployments": "id reference_id service_id repository commit_sha attributed_at merge_commit_shas environment deployed_at"
    " success service source_url source_name integration_branch",
    "github_pull_deployments": "id pull_id deployment_id environment merge_to_deploy open_to_deploy service",
    "github_pulls": "id repository_id number title base_ref created merged merge_commit_sha",
}


def test_the_queries_say_what_dx_credited() -> None:
    page = read("docs/verifying.md")
    queries = re.findall(
        r"^```sql\n(.*?)^```$", page.replace("current_date - 3", "'2025-03-05'"), re.MULTILINE | re.DOTALL
    )
    base = sqlite3.connect(":memory:")
    base.create_function("date_trunc", 2, lambda _, time: time[:10])
    for table, columns in TABLES.items():
        base.execute(f"create table {table} ({columns.replace(' ', ',')})")
    (key, _), (sha,) = re.findall(r"reference_id = '(.*?)'", page), re.findall(r"sha = '(.*?)'", page)
    columns = "id, reference_id, deployed_at, attributed_at, service, source_name, repository, environment, commit_sha, success"
    deployment = (
        f"insert into deployments ({columns}) values (?, ?, ?, ?, 'web', 'GitHub Actions', 'acme/shop', ?, ?, ?)"
    )
    base.execute(deployment, (1, key, "2025-03-04T12:00:00Z", "2025-03-04T12:00:01Z", "production", sha, True))
    base.execute(deployment, (2, "another", "2025-03-04T13:00:00Z", None, "production", sha, True))
    base.execute(deployment, (3, "of today", "2025-03-05T13:00:00Z", None, "staging", sha, True))
    base.execute(deployment, (4, "failed", "2025-03-05T13:00:00Z", "2025-03-05T13:00:01Z", "production", sha, False))
    for number in (5, 6):  # by merge commits
        base.execute(
            deployment, (number, f"{number}", "2025-03-05T13:00:00Z", "2025-03-05T13:00:01Z", None, None, True)
        )
    for number, (pull, commit) in enumerate(((41, sha), (42, "c892415"))):
        row = "insert into github_pulls (id, number, title, merged, merge_commit_sha) values (?, ?, 'Change it', ?, ?)"
        base.execute(row, (pull * 100, pull, str(2 - number), commit))
        credit = "insert into github_pull_deployments (pull_id, deployment_id, merge_to_deploy) values (?, 1, 60)"
        base.execute(credit, (pull * 100,))
    there, credited, reverse, missing, days, twice = (base.execute(query).fetchall() for query in queries)
    assert [row[0] for row in there] == [key]
    assert credited == [(42, "Change it", "1", 60), (41, "Change it", "2", 60)]
    assert [row[0] for row in reverse] == [key]
    assert [row[0] for row in missing] == ["another"]
    assert days == [("2025-03-05", "web", 4), ("2025-03-04", "web", 2)]
    assert [(row[0], row[-1]) for row in twice] == [(key, 2), ("another", 2)]


def test_the_map_names_what_there_is() -> None:
    page = "docs/architecture.md"
    paths = [name for name in names(prose(page)) if "/" in name and " " not in name]
    assert len(paths) > 50
    missing = [name for name in paths if not ((ROOT / name).exists() or (ROOT / "dx_action" / name).exists())]
    assert missing == []
    packages = {path.parent.name for path in (ROOT / "dx_action").glob("*/__init__.py")}
    assert {names(row[0])[0] for row in rows(section(page, "## The map"))} == packages
    contracts = re.findall(
        r'^name = "([^":]+)', read("pyproject.toml").partition("[tool.importlinter]")[2], re.MULTILINE
    )
    assert [row[0] for row in rows(section(page, "## What is enforced"))] == list(dict.fromkeys(contracts))
