"""Owns a repository in memory and how a test builds it: commits, branches, tags; pulls, deployments and releases hang on it."""

import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from stand_in.changes import Change, compare, merge
from stand_in.history import Commit, History, Person, person
from stand_in.moments import When, seconds
from stand_in.objects import TREE, Content, Entry, Objects, object_id
from stand_in.pulls import Pulls
from stand_in.records import Deployments, Releases

START = "2025-01-01T00:00:00Z"
_ID = re.compile(r"[0-9a-f]{7,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tag:
    """An annotated tag's object."""

    sha: str
    name: str
    target: str
    message: str
    tagger: Person
    tagged: int


class Repo:
    """One repository. A revision is a commit's id, a branch, a tag, or a full reference.

    Time stands still but for a tick of a minute at each commit, so that histories are the same in every run.
    """

    def __init__(
        self,
        full_name: str = "acme/shop",
        *,
        repo_id: int | None = None,
        default_branch: str = "main",
        private: bool = True,
        start: When = START,
        fork: bool = False,
        copies: bool = False,
    ) -> None:
        self.copies = copies
        self.full_name, self.default_branch, self.private, self.fork = full_name, default_branch, private, fork
        self.owner, self.name = full_name.split("/")
        self.seed = zlib.crc32(full_name.encode()) % 10_000
        self.id = 3_100_200_000 + self.seed if repo_id is None else repo_id
        self.created = self.now = seconds(start)
        self.objects, self.history = Objects(), History()
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.tag_objects: dict[str, Tag] = {}
        self.version = 0
        # Its forks, and what it was forked from: they share their commits.
        self.network: list[Repo] = []
        self.pulls, self.deployments, self.releases = Pulls(self), Deployments(self), Releases(self)
        self._changes: dict[tuple[str, str], list[Change]] = {}

    def forked(self, full_name: str) -> "Repo":
        """Make another repository of the same network: it shares the commits, and goes on by itself."""
        other = Repo(full_name, default_branch=self.default_branch, start=self.now, fork=True)
        other.objects, other.history, other.branches = self.objects, self.history, dict(self.branches)
        self.network.append(other)
        other.network.append(self)
        return other

    # Building.

    def tick(self, by: int = 60) -> int:
        """Let time pass; give the new moment."""
        self.now += by
        return self.now

    def commit(
        self,
        files: Mapping[str, Content] | None = None,
        *,
        message: str | None = None,
        branch: str | None = None,
        parents: Iterable[str] | None = None,
        author: str | Person = "octocat",
        committer: str | Person | None = None,
        author_date: When | None = None,
        committer_date: When | None = None,
    ) -> str:
        """Make a commit of the first parent's files, changed; give its id.

        It goes onto `branch` (the default branch; with `parents` alone, onto none). A new branch starts at the default one.
        """
        if branch is None and parents is None:
            branch = self.default_branch
        if parents is None:
            tip = self.branches.get(str(branch), self.branches.get(self.default_branch))
            parents = [] if tip is None else [tip]
        above = [self.rev(parent) for parent in parents]
        entries = {path: self.objects.entry(content) for path, content in (files or {}).items()}
        tree = self.objects.change(self.tree(above[0]) if above else self.objects.empty, entries)
        sha = self.record(
            tree, above, message, person(author), author_date, person(committer or author), committer_date
        )
        if branch is not None:
            self.branch(branch, sha)
        return sha

    def record(
        self,
        tree: str,
        parents: Iterable[str],
        message: str | None = None,
        author: str | Person = "octocat",
        authored: When | None = None,
        committer: str | Person | None = None,
        committed: When | None = None,
    ) -> str:
        """Keep a commit of a whole tree, on no branch; give its id."""
        now = self.tick() if committed is None else seconds(committed)
        draft = Commit(
            tree=tree,
            parents=tuple(parents),
            author=person(author),
            authored=now if authored is None else seconds(authored),
            committer=person(committer or author),
            committed=now,
            message=message or f"Change {len(self.history.commits) + 1}",
        )
        commit = replace(draft, sha=draft.identity())
        self.history.add(commit)
        return commit.sha

    def branch(self, name: str, at: str | None = None) -> str:
        """Make or move a branch (to the default branch's tip); give the commit."""
        self.branches[name] = self.rev(at or self.default_branch)
        self.version += 1
        return self.branches[name]

    def delete_branch(self, name: str) -> None:
        """Forget a branch; its commits stay."""
        del self.branches[name]
        self.version += 1

    def tag(self, name: str, at: str | None = None, message: str | None = None, by: str | Person = "octocat") -> str:
        """Make a tag, an annotated one where there is a message; give the object it names."""
        target = self.rev(at or self.default_branch)
        if message is not None:
            tagger, now = person(by), self.tick()
            text = f"object {target}\ntype commit\ntag {name}\ntagger {tagger.signed(now)}\n\n{message.rstrip()}\n"
            tag = Tag(object_id("tag", text.encode()), name, target, message, tagger, now)
            self.tag_objects[tag.sha] = tag
            target = tag.sha
        self.tags[name] = target
        return target

    def merge(
        self,
        head: str,
        into: str | None = None,
        *,
        message: str | None = None,
        files: Mapping[str, Content] | None = None,
        author: str | Person = "octocat",
        at: When | None = None,
    ) -> str:
        """Make a merge commit on a branch; `files` are changed by the merge itself. Raises ConflictError."""
        into = into or self.default_branch
        ours, theirs = self.rev(into), self.rev(head)
        entries = {path: self.objects.entry(content) for path, content in (files or {}).items()}
        tree = self.objects.change(self.merged_tree(ours, theirs), entries)
        sha = self.record(tree, [ours, theirs], message or f"Merge {head} into {into}", author, committed=at)
        self.branch(into, sha)
        return sha

    def pick(self, commit: str, onto: str | None = None, *, message: str | None = None, at: When | None = None) -> str:
        """Cherry-pick a commit onto a branch, its author and author's date kept; give the new commit."""
        onto = onto or self.default_branch
        sha = self.picked(self.rev(commit), self.rev(onto), message=message, at=at)
        self.branch(onto, sha)
        return sha

    def picked(self, sha: str, tip: str, *, message: str | None = None, at: When | None = None) -> str:
        """Cherry-pick onto a commit rather than a branch."""
        commit = self.history.commits[sha]
        before = self.tree(commit.parents[0]) if commit.parents else self.objects.empty
        tree = merge(self.objects, before, self.tree(tip), commit.tree)
        text = message or commit.message
        return self.record(tree, [tip], text, commit.author, commit.authored, "octocat", at)

    def revert(
        self, commit: str, on: str | None = None, *, author: str | Person = "octocat", at: When | None = None
    ) -> str:
        """Take a commit back on a branch (a merge: back to its first parent); give the new commit."""
        on = on or self.default_branch
        bad, tip = self.history.commits[self.rev(commit)], self.rev(on)
        tree = merge(self.objects, bad.tree, self.tree(tip), self.tree(bad.parents[0]))
        message = f'Revert "{bad.message.splitlines()[0]}"\n\nThis reverts commit {bad.sha}.'
        sha = self.record(tree, [tip], message, author, committed=at)
        self.branch(on, sha)
        return sha

    # Asking.

    def find(self, revision: str) -> str | None:
        """Find the commit that a revision names."""
        name = self.default_branch if revision == "HEAD" else revision
        target = (
            self.branches.get(name.removeprefix("refs/").removeprefix("heads/"))
            or self.branches.get(name)
            or self.tags.get(name.removeprefix("refs/").removeprefix("tags/"))
            or name
        )
        target = self.tag_objects[target].target if target in self.tag_objects else target
        if target in self.history.commits:
            return target
        target = target.lower()
        if not _ID.fullmatch(target):
            return None
        matching = [sha for sha in self.history.commits if sha.startswith(target)]
        return matching[0] if len(matching) == 1 else None

    def rev(self, revision: str) -> str:
        """Find the commit that a revision names. Raises KeyError."""
        found = self.find(revision)
        if found is None:
            raise KeyError(f"{self.full_name} has no {revision}")
        return found

    def tree(self, revision: str) -> str:
        """Return a commit's tree."""
        return self.history.commits[self.rev(revision)].tree

    def files(self, revision: str | None = None) -> dict[str, bytes]:
        """Return all files of a commit."""
        walked = self.objects.walk(self.tree(revision or self.default_branch))
        return {path: self.objects.blobs.get(entry.sha, b"") for path, entry in walked if entry.mode != TREE}

    def entry(self, revision: str, path: str) -> Entry | None:
        """Return what a commit has at a path."""
        return self.objects.find(self.tree(revision), path)

    def merged_tree(self, ours: str, theirs: str) -> str:
        """Return the tree of a merge. Raises ConflictError."""
        bases = self.history.merge_bases(ours, theirs)
        return merge(
            self.objects, self.tree(bases[0]) if bases else self.objects.empty, self.tree(ours), self.tree(theirs)
        )

    def changes(self, before: str | None, after: str) -> list[Change]:
        """Return what differs between two commits; None stands before the first."""
        trees = (self.tree(before) if before else self.objects.empty, self.tree(after))
        if trees not in self._changes:
            self._changes[trees] = compare(self.objects, *trees, copies=self.copies)
        return self._changes[trees]

    def log(self, tip: str | None = None, *without: str) -> list[Commit]:
        """Return the commits that `git log tip ^without` gives, in its order."""
        return self.history.log(self.rev(tip or self.default_branch), [self.rev(one) for one in without])

    def between(self, base: str, head: str) -> list[Commit]:
        """Return the commits of `base..head`, the oldest first."""
        return self.log(head, base)[::-1]
