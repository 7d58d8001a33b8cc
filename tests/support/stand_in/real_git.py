"""Owns writing a repository of the model as a real git repository, by `git fast-import`, so that git itself can judge it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from stand_in.objects import TREE
from stand_in.repo import Repo

# No user's or system's configuration may change what git says.
ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C", "TZ": "UTC"}


def git(folder: Path, *arguments: str, data: bytes | None = None, check: bool = True) -> str:
    """Run git in a folder; give what it prints. `check`: an exit code other than 0 is an error."""
    command = ["git", "-c", "core.quotePath=false", *arguments]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)} | ALONE
    done = subprocess.run(command, cwd=folder, input=data, capture_output=True, check=check, env=env)
    return done.stdout.decode()


def write(repo: Repo, folder: Path) -> None:
    """Make a bare repository with every branch, tag and pull request's head. git computes all ids itself."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--bare", "--quiet", "--initial-branch", repo.default_branch)
    git(folder, "fast-import", "--quiet", "--force", data=b"".join(_stream(repo)))


def _stream(repo: Repo) -> Iterator[bytes]:
    references = list(_references(repo))  # first, since an open pull request's trial merge is made when it is looked at
    marks: dict[str, int] = {}
    for commit in repo.history.commits.values():
        marks[commit.sha] = len(marks) + 1
        message = commit.message.rstrip("\n").encode() + b"\n"
        if not commit.parents:
            yield b"reset refs/import/all\n\n"
        yield b"commit refs/import/all\nmark :%d\n" % marks[commit.sha]
        yield f"author {commit.author.signed(commit.authored)}\n".encode()
        yield f"committer {commit.committer.signed(commit.committed)}\n".encode()
        yield b"data %d\n%s\n" % (len(message), message)
        for index, parent in enumerate(commit.parents):
            yield b"%s :%d\n" % (b"merge" if index else b"from", marks[parent])
        for change in repo.changes(commit.parents[0] if commit.parents else None, commit.sha):
            if change.new is None or change.previous:
                yield f"D {_quoted(change.previous or change.path)}\n".encode()
        for change in repo.changes(commit.parents[0] if commit.parents else None, commit.sha):
            if change.new is None or change.new.mode == TREE:
                continue
            if change.new.kind == "commit":
                yield f"M {change.new.mode} {change.new.sha} {_quoted(change.path)}\n".encode()
                continue
            data = repo.objects.blobs[change.new.sha]
            yield f"M {change.new.mode} inline {_quoted(change.path)}\n".encode()
            yield b"data %d\n%s\n" % (len(data), data)
    for reference, sha in references:
        yield f"reset {reference}\nfrom :{marks[sha]}\n\n".encode()
    for name, target in repo.tags.items():
        if target in repo.tag_objects:
            tag = repo.tag_objects[target]
            text = tag.message.rstrip().encode() + b"\n"
            yield f"tag {name}\nfrom :{marks[tag.target]}\ntagger {tag.tagger.signed(tag.tagged)}\n".encode()
            yield b"data %d\n%s\n" % (len(text), text)
    yield b"reset refs/import/all\nfrom 0000000000000000000000000000000000000000\n\n"


def _references(repo: Repo) -> Iterator[tuple[str, str]]:
    for name, sha in repo.branches.items():
        yield f"refs/heads/{name}", sha
    for name, target in repo.tags.items():
        if target not in repo.tag_objects:
            yield f"refs/tags/{name}", target
    for pull in repo.pulls.all():
        yield f"refs/pull/{pull.number}/head", pull.head_sha


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
