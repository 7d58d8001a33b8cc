"""Pull requests: by which ones commits were merged, when their first commits were written, and which files they changed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AliasPath, BaseModel, ConfigDict, Field

from dx_action.changes.changeset import Merged, MergedPull, PullChange
from dx_action.github.client import PER_PAGE, Answer, Repository, checked
from dx_action.github.commits import ChangedFile, ChangedPaths, CutError, changed_paths, listed, merge_base
from dx_action.github.errors import FORBIDDEN, LASTING, Kind, LookupFailedError
from dx_action.github.graphql import Connection, Node, Query, TooLargeError, ask_parts
from dx_action.text import join_names

K = TypeVar("K", int, str)
T = TypeVar("T", bound=BaseModel)

# GitHub's "List pull requests files" lists no more than these.
MOST_FILES = 3000
# Of one commit or pull request no more pages are read than these, and no batch is made smaller than this.
MOST_PAGES, LEAST = 10, 10
_PERMISSION = "pull-requests"
# GraphQL's DateTime is in UTC.
_Time = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z$")]
_OID = r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$"


class _MergeCommit(Answer):
    oid: str = Field(pattern=_OID)


class _Pull(Answer):
    """A pull request by the names of MergedPull's fields, and its repository. GraphQL writes its id, a BigInt, as text."""

    number: int = Field(gt=0)
    id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")] | None
    title: str
    url: str
    author: str = Field("ghost", validation_alias=AliasPath("author", "login"))
    merged_at: _Time | None
    merge_commit: _MergeCommit | None = Field(validation_alias="mergeCommit")
    base_ref: str
    base: str
    head: str
    changed_files: int = Field(ge=0)
    merged: bool
    repository: str = Field(validation_alias=AliasPath("repository", "nameWithOwner"))

    @property
    def known(self) -> MergedPull | None:
        """The merged pull request; None if GitHub left out what DX is sent of it."""
        if self.merge_commit is None or self.id is None or self.merged_at is None:
            return None
        fields = self.model_dump(exclude={"id", "merged", "repository", "merge_commit"})
        return MergedPull(**fields, id=int(self.id), merge_commit_sha=self.merge_commit.oid)


class _Commit(Answer):
    authored_date: _Time = Field(validation_alias=AliasPath("commit", "authoredDate"))


class File(Node):
    """A changed file, as GraphQL lists it."""

    path: str
    change_type: str


class _Item(Answer, Generic[T]):
    page: Connection[T | None]


class _Batch(Answer):
    """The repository's name of today, and a page of each commit or pull request under an alias, each read by itself."""

    model_config = ConfigDict(extra="allow")
    own: str
    __pydantic_extra__: dict[str, Any] = Field(init=False)


@dataclass(frozen=True, slots=True)
class _List(Generic[T]):
    """A list of each of many commits or pull requests. `field` asks for it, with `$key`, whose type is `kind`, and `$after`.

    `size`: GitHub answers for so many in a call well within its ten seconds. `things` are what is listed, of what. `holder` is the
    permission for that of which they are listed: a commit is among the contents, although the list alone needs none for them
    (docs.github.com, "Permissions required for GitHub Apps").
    """

    item: type[_Item[T]]
    size: int
    things: str
    kind: str
    field: str
    connection: str
    nodes: str
    holder: str = _PERMISSION


_ASSOCIATED = _List(
    _Item[_Pull],
    250,
    "the pull requests of commit",
    "String!",
    "object(expression: $key) { ... on Commit { page: associatedPullRequests(first: 20, after: $after) { ...page } } }",
    "PullRequestConnection",
    "number id: fullDatabaseId title url merged merged_at: mergedAt changed_files: changedFiles author { login } "
    "base_ref: baseRefName base: baseRefOid head: headRefOid mergeCommit { oid } repository { nameWithOwner }",
    "contents",
)
_AUTHORED = _List(
    _Item[_Commit],
    150,
    "the commits of pull request",
    "Int!",
    "pullRequest(number: $key) { page: commits(first: 100, after: $after) { ...page } }",
    "PullRequestCommitConnection",
    "commit { authoredDate }",
)
_FILES = _List(
    _Item[File],
    50,
    "the files of pull request",
    "Int!",
    "pullRequest(number: $key) { page: files(first: 100, after: $after) { ...page } }",
    "PullRequestChangedFileConnection",
    "path changeType",
)


class _Ends(Answer):
    base: str = Field(validation_alias=AliasPath("base", "sha"))
    head: str = Field(validation_alias=AliasPath("head", "sha"))


def merged_by(commits: Sequence[str], pulls: Mapping[str, tuple[MergedPull, ...] | str]) -> Merged:
    """Keep those of each commit's pull requests whose merge commit is one of the commits, in the commits' order."""
    whole = frozenset(sha.lower() for sha in commits)
    short = tuple(sha for sha in whole if len(sha) < 40)
    found: dict[int, MergedPull] = {}
    unknown: dict[str, None] = {}
    for commit in commits:
        of = pulls[commit]
        if isinstance(of, str):
            unknown[of] = None
            continue
        for pull in of:
            if pull.merge_commit_sha in whole or pull.merge_commit_sha.startswith(short):
                found[pull.number] = pull
    return Merged(tuple(found.values()), tuple(unknown))


def associated(repository: Repository, commits: Sequence[str]) -> dict[str, tuple[MergedPull, ...] | str]:
    """Return each commit's merged pull requests of this very repository, or why they are not known, as the end of a sentence.

    A call for each 250 commits. GitHub lists whatever pull requests contain a commit, also those of forks and of what this was
    forked from, so that more calls are needed if these are many. Raises Missing.
    """
    found: dict[str, tuple[MergedPull, ...] | str] = {}
    pulls: dict[str, tuple[MergedPull, ...]] = dict.fromkeys(commits, ())
    after: dict[str, str | None] = dict.fromkeys(commits)
    for _ in range(MOST_PAGES):
        more: dict[str, str | None] = {}
        for sha, own, page, forbidden in _pages(repository, _ASSOCIATED, after):
            here = page if isinstance(page, str) else _merged(page, own, sha, forbidden=forbidden)
            if isinstance(page, str) or isinstance(here, str):
                found[sha] = here
                continue
            found[sha] = pulls[sha] = (*pulls[sha], *here)
            if page.has_next_page and not _own(here, sha):
                more[sha] = page.end_cursor
        if not more:
            return found
        after = more
    return found | {sha: f"GitHub lists more pull requests of commit {sha[:12]} than are read" for sha in after}


def first_authored(repository: Repository, pulls: Sequence[MergedPull]) -> tuple[MergedPull, ...]:
    """Return the pull requests with when the earliest commit of each was authored; without it, if it is not known.

    A call for each 150 pull requests; and again one for each 150 of those that have more than 100 commits, or than 200.
    Raises Missing.
    """
    dates: dict[int, list[str]] = {pull.number: [] for pull in pulls}
    unknown: set[int] = set()
    after: dict[int, str | None] = dict.fromkeys(dates)
    for _ in range(MOST_PAGES):
        more: dict[int, str | None] = {}
        for number, _, page, _ in _pages(repository, _AUTHORED, after):
            commits = [] if isinstance(page, str) else page.nodes
            dates[number] += [commit.authored_date for commit in commits if commit]
            if isinstance(page, str) or None in commits:
                unknown.add(number)
            elif page.has_next_page:
                more[number] = page.end_cursor
        if not more:
            break
        after = more
    else:
        unknown |= after.keys()
    firsts = {number: min(times) for number, times in dates.items() if times and number not in unknown}
    return tuple(pull._replace(first_commit_at=firsts.get(pull.number)) for pull in pulls)


def pull_files(repository: Repository, pull: PullChange) -> ChangedPaths:
    """Return a pull request's changed paths: a call for each 100 files, or the trees of its merge base and head.

    The trees are compared if GitHub's list is cut or empty, or does not come. The number of files that the event has only saves a
    list that would be cut, and a comparison that fails before it is passed over. Raises Missing and CutError.
    """
    if (pull.changed_files or 0) >= MOST_FILES:
        with _passed_over(), repository.replaceable():
            found = pull_trees(repository, pull)
            if len(found.paths) >= MOST_FILES:
                return found
    pages = repository.pages(f"pulls/{pull.number}/files", _PERMISSION, list[ChangedFile])
    files: list[ChangedFile] = []
    with _passed_over("missing"), repository.replaceable():
        files += [file for page in islice(pages, MOST_FILES // PER_PAGE) for file in page]
    paths = listed(files)
    if paths and len(files) < MOST_FILES:
        return ChangedPaths(paths, exact=False)
    found = pull_trees(repository, pull)
    if paths and not paths <= {path.rstrip("/") for path in found.paths}:
        raise CutError(f"GitHub lists other files of pull request #{pull.number} than its commits have")
    return found


@contextmanager
def _passed_over(*kinds: Kind) -> Iterator[None]:
    """Pass over a failed look-up whose answer another one may have; none may if it failed for a lasting reason or these."""
    try:
        yield
    except CutError:
        pass
    except LookupFailedError as error:
        if error.kind in (*LASTING, *kinds):
            raise


def pull_trees(repository: Repository, pull: PullChange) -> ChangedPaths:
    """Return a pull request's changed paths by the trees of its merge base and head: three calls, and one if no event names them.

    Raises Missing and CutError.
    """
    base, head = pull.base, pull.head
    if base is None or head is None:
        found = repository.get(f"pulls/{pull.number}", _PERMISSION, _Ends)
        base, head = found.base, found.head
    return changed_paths(repository, merge_base(repository, base, head), head)


def pulls_files(repository: Repository, pulls: Sequence[MergedPull]) -> dict[int, ChangedPaths]:
    """Return the changed paths of several pull requests, by their numbers: a call for each 50.

    One with more than 100 files is asked for by itself, and one with a file that moved: only its list has the former path.
    So is each that the shared query does not bring, for whatever reason. Raises Missing and CutError.
    """
    found: dict[int, ChangedPaths] = {}
    short = {pull.number: pull.changed_files for pull in pulls if 0 < pull.changed_files <= PER_PAGE}
    with suppress(LookupFailedError):
        for number, _, page, _ in _pages(repository, _FILES, dict.fromkeys(short)):
            if isinstance(page, str) or page.has_next_page or len(page.nodes) != short[number]:
                continue
            files = [file for file in page.nodes if file and file.change_type != "RENAMED"]
            if len(files) == len(page.nodes):
                found[number] = ChangedPaths(frozenset(file.path for file in files), exact=False)
    return {pull.number: found.get(pull.number) or pull_files(repository, pull.change) for pull in pulls}


def _pages(
    repository: Repository, what: _List[T], after: Mapping[K, str | None]
) -> Iterator[tuple[K, str, Connection[T | None] | str, bool]]:
    """Yield each key, the repository's name of today, the page after the key's cursor or why it is not known.

    The last value says whether the token may not read a part of it. A batch that GitHub does not answer is asked for in halves.
    """
    fragment = (
        f" fragment page on {what.connection} {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {what.nodes} }} }}"
    )
    left, size = list(after), what.size
    while left:
        batch = left[:size]
        fields, variables = ["own: nameWithOwner"], dict[str, tuple[str, int | str | None]]()
        for number, key in enumerate(batch):
            field = what.field.replace("$key", f"$key{number}").replace("$after", f"$after{number}")
            fields.append(f"item{number}: {field}")
            variables |= {f"key{number}": (what.kind, key), f"after{number}": ("String", after[key])}
        query = Query(" ".join(fields), _PERMISSION, variables, fragment)
        try:
            found, errors = ask_parts(repository, query, _Batch, large=len(batch) > LEAST)
        except TooLargeError:
            size = max(len(batch) // 2, LEAST)
            continue
        repository.named(found.own)
        items = [found.__pydantic_extra__.get(f"item{number}") for number in range(len(batch))]
        forbidden = [error for error in errors if error.kind in FORBIDDEN]
        if forbidden and not any(isinstance(item, dict) and item.get("page") for item in items):
            permission = what.holder if len(forbidden[0].path) == 1 else _PERMISSION
            raise repository.access(permission).rejected(200, forbidden[0].kind, limited=False)
        for number, key in enumerate(batch):
            here = [error for error in errors if error.path[:1] == (f"item{number}",)]
            refused = any(error.kind in FORBIDDEN for error in here)
            page = _page(what, items[number], key, after[key], known=not here, forbidden=refused)
            yield key, found.own, page, refused
        left = left[len(batch) :]


def _page(
    what: _List[T], item: Any, key: int | str, after: str | None, *, known: bool, forbidden: bool
) -> Connection[T | None] | str:
    """Return the page in an item of an answer, or why there is none. A page that leads to itself is none."""
    things = f"{what.things} #{key}" if isinstance(key, int) else f"{what.things} {key[:12]}"
    try:
        page: Connection[T | None] = checked(what.item, item).page
    except LookupFailedError:
        if forbidden:
            return f"`github-token` may not read {things}"
        if not known or not isinstance(item, dict) or item.get("page") is None:
            return f"GitHub did not return {things}"
        return f"GitHub did not return {things} as it documents them"
    if page.has_next_page and page.end_cursor in (None, after):
        return f"GitHub did not return {things} as it documents them"
    return page


def _merged(page: Connection[_Pull | None], own: str, sha: str, *, forbidden: bool) -> tuple[MergedPull, ...] | str:
    """Return the merged pull requests of a page. One that GitHub leaves out may be another's, unless the commit's own is there."""
    missing = "`github-token` may not read" if forbidden else "GitHub did not return"
    here = [pull for pull in page.nodes if pull and pull.repository == own and pull.merged]
    known = [(pull, pull.known) for pull in here]
    if lacking := [f"#{pull.number}" for pull, merged in known if merged is None]:
        return f"{missing} by which commit {join_names(lacking)} was merged"
    merged = tuple(merged for _, merged in known if merged)
    if None in page.nodes and not _own(merged, sha):
        return f"{missing} all pull requests of commit {sha[:12]}"
    return merged


def _own(pulls: Sequence[MergedPull], sha: str) -> bool:
    """Return whether one of these became the commit, and not only contains it."""
    return any(pull.merge_commit_sha.startswith(sha.lower()) for pull in pulls)
