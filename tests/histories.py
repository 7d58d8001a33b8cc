"""Random histories of the stand-in: every way to merge, queues, backports, reverts, long-lived branches, direct commits."""

import random
from pathlib import Path

from stand_in import WAYS, Repo
from stand_in.real_git import git

MOVES = (
    *("ship", "ship", "ship", "ship", "ship", "queue", "commit"),
    *("develop", "release develop", "revert", "revert by pull", "backport", "hand merge", "close"),
)


def lived(repo: Repo, dice: random.Random, moves: int, *, folders: tuple[str, ...] = ("a", "b", "docs")) -> None:
    """Live for so many moves. No two of them change the same file, so that nothing conflicts."""
    made = 0

    def files(count: int = 1) -> dict[str, str]:
        nonlocal made
        made += count
        return {f"{dice.choice(folders)}/{made - index}": "1" for index in range(count)}

    for name in ("develop", "release/1.x"):
        if name not in repo.branches:
            repo.branch(name)
    for _ in range(moves):
        merged = [pull for pull in repo.pulls.by_number.values() if pull.merged_at and pull.base == "main"]
        match dice.choice(MOVES):
            case "queue":
                queued = []
                for _ in range(dice.randrange(1, 4)):
                    branch = f"queued-{len(repo.pulls.by_number)}"
                    repo.branch(branch)
                    repo.commit(files(), branch=branch)
                    queued.append(repo.pulls.open(branch))
                repo.pulls.queue(*queued, how=dice.choice(WAYS[:3]))
            case "commit":
                repo.commit(files())
            case "develop":
                repo.pulls.ship(files(), base="develop", how=dice.choice(WAYS))
            case "release develop" if repo.between("main", "develop"):
                repo.pulls.merge(repo.pulls.open("develop"), "merge")
            case "revert" if merged:
                pull = dice.choice(merged)
                if dice.random() < 0.5 and pull.landed:
                    repo.revert(pull.landed[-1])
            case "revert by pull" if merged:
                pull = dice.choice(merged)
                branch = f"revert-{len(repo.pulls.by_number)}"
                repo.branch(branch)
                repo.commit(files(), branch=branch, message=f'Revert "{pull.title}"')
                repo.pulls.merge(repo.pulls.open(branch, title=f'Revert "{pull.title}"'), dice.choice(WAYS[:3]))
            case "backport" if merged:
                branch = f"backport-{len(repo.pulls.by_number)}"
                repo.branch(branch, "release/1.x")
                repo.pick(repo.commit(files(), parents=["release/1.x"]), branch)
                repo.pulls.merge(repo.pulls.open(branch, "release/1.x"), dice.choice(WAYS[:3]))
                if dice.random() < 0.3:
                    repo.merge("release/1.x")
            case "hand merge" if repo.between("main", "develop"):
                repo.merge("develop")
            case "close":
                branch = f"closed-{len(repo.pulls.by_number)}"
                repo.branch(branch)
                repo.commit(files(), branch=branch)
                repo.pulls.close(repo.pulls.open(branch))
            case _:
                steps = [files() for _ in range(dice.randrange(1, 5))]
                repo.pulls.ship(*steps, how=dice.choice(WAYS))


def shipped(repo: Repo, folder: Path, before: str, after: str) -> dict[int, str]:
    """Let git tell which pull requests were merged between two commits: each one's number and its merge commit."""
    new = {*git(folder, "rev-list", f"{before}..{after}").split()}
    pulls = [pull for pull in repo.pulls.by_number.values() if pull.merged_at and pull.merge_commit_sha in new]
    return {pull.number: str(pull.merge_commit_sha) for pull in pulls}


def way(folder: Path, before: str, after: str) -> str:
    """Let git tell which way leads from one commit to the other."""
    base = git(folder, "merge-base", before, after).strip()
    if before == after:
        return "redeploy"
    return {before: "forward", after: "rollback"}.get(base, "aside")
