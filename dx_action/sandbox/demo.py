"""`python -m dx_action.sandbox.demo`: the action at work against the stand-in, as the log on GitHub shows it.

Four scenes, and what each promises. It is a smoke test too: it ends with 1 if a promise is broken.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from dx_action.sandbox import monorepo
from dx_action.sandbox.rendering import ActionsLog, Screen, summary_lines
from dx_action.sandbox.server import Sandbox
from dx_action.sandbox.step import Step, run_step

ENTRYPOINT = Path(__file__).resolve().parents[2] / "entrypoint.py"
TOKEN, REVOKED = "dx-demo-token-3f9c1b", "dx-demo-revoked-8e27d4"
_LONGEST = 100
_RED, _GREEN = 31, 32
_REPOSITORY = {"full_name": "acme/shop", "default_branch": "main"}


class Demo:
    """The scenes, and what did not come true of what they promise."""

    def __init__(self, dx: Sandbox, screen: Screen, entrypoint: Path) -> None:
        self._dx, self._screen, self._entrypoint = dx, screen, entrypoint
        self.promises = 0
        self.broken: list[str] = []

    def merged(self) -> None:
        """A pull request is merged, and its deployment is registered."""
        self._title("1 of 4: a pull request is merged")
        step = self._play(_event(41, "312c5c6455a5802d9eff8e65fbc68a516dd3a76d"), service="payments")
        for request in self._dx.requests()[:1]:
            self._screen.title("\nWhat DX received")
            self._screen.say(
                f"  {request['verb']} {request['path']}\n  Authorization: Bearer *** ({request['authorization']})"
            )
            self._screen.say(_indented(json.dumps(request["json"], indent=2)))
        self._screen.title("\nThe outputs of the step")
        self._screen.say(_indented(*(f"{name:<18} {_short(value)}" for name, value in step.outputs.items() if value)))
        self._show_summary(step)
        commits = [deployment.get("commit_sha", "")[:7] for deployment in self._dx.deployments()]
        self._promise("the step is green, with status registered", _ended(step) == (0, "registered"))
        self._promise("DX has the merge commit, once", commits == ["312c5c6"])
        self._promise("the token is in no output and not in the summary", TOKEN not in _texts(step))

    def outage(self) -> None:
        """DX is down for a moment, and the step waits; the same event comes again, and nothing is doubled."""
        before = len(self._dx.requests())
        self._dx.script([{"status": 503, "body": "html", "times": 2}])
        self._title("2 of 4: DX is down for a moment, and the job is run again")
        event = _event(42, "c89241549856579cbcce0211499667cb1ecc577a")
        step = self._play(event, service="payments")
        sent = self._dx.requests()[before:]
        again = self._play(event, service="payments")
        self._promise("the step waits, and is green", _ended(step) == (0, "registered"))
        self._promise("DX answered 503, 503 and 200", [request["status"] for request in sent] == [503, 503, 200])
        self._promise("every attempt had the same bytes", len({request["body"] for request in sent}) == 1)
        self._promise("the second run finds it registered", _ended(again) == (0, "already-registered"))
        self._promise("DX has it once", len(self._dx.deployments()) == 2)  # and the one of the first scene

    def monorepo(self) -> None:
        """A merge in a monorepo: two of three services are deployed, each with the pull requests that it brings."""
        self._title("3 of 4: a merge in a monorepo changes two services of three")
        before = len(self._dx.deployments())
        inputs = {
            "service-map": monorepo.MAP,
            "set-pull-services": "true",
            "show-pull-requests": "true",
            "since-sha": monorepo.BEFORE,
        }
        with monorepo.Monorepo() as github:
            event = _event(monorepo.NUMBER, monorepo.MERGED, changed_files=2, base=monorepo.BEFORE)
            step = self._play(event, {"GITHUB_API_URL": github.url}, **inputs, github_token="demo-github-token")
        self._show_summary(step)
        services = [deployment["service"]["identifier"] for deployment in self._dx.deployments()[before:]]
        told = [[service["identifier"] for service in pull["services"]] for pull in self._dx.pull_services()]
        self._promise("payments and web are registered, search is not", services == ["payments", "web"])
        self._promise("DX has the services that the pull request changed", told == [["payments", "web"]])
        self._promise("the summary lists what each brings", all(f"#{number}" in step.summary for number in (43, 44)))

    def refused(self) -> None:
        """The token was revoked: the step says so and fails."""
        self._title("4 of 4: DX rejects the token")
        before = len(self._dx.deployments())
        step = self._play(_event(45, "c24705b4b609848661ff6096b6f66626e8734485"), token=REVOKED, service="payments")
        errors = [line for line in step.log if line.startswith("::error ")]
        self._promise("the step is red, with status failed", _ended(step) == (1, "failed"))
        self._promise("one error says what is wrong with the token", len(errors) == 1 and "invalid_auth" in errors[0])
        self._promise("DX has nothing more", len(self._dx.deployments()) == before)
        self._promise("the token is nowhere but in its mask", REVOKED not in _texts(step))

    def _title(self, title: str) -> None:
        self._screen.title(f"\n──── {title} {'─' * (66 - len(title))}")

    def _play(
        self,
        event: Mapping[str, Any],
        variables: Mapping[str, str] | None = None,
        *,
        token: str = TOKEN,
        **inputs: str,
    ) -> Step:
        """Run a step with these inputs (`_` for `-`), its log on the screen."""
        written = {name.replace("_", "-"): value for name, value in inputs.items()}
        given = {"dx-host": self._dx.url, "dx-token": token} | written
        log = ActionsLog(self._screen)
        log.hear(f"::add-mask::{token}")
        log.begin("Run your-org/dx-deployment-action")
        log.hear("with:")
        for name, value in given.items():
            shown = "***" if name == "github-token" else value
            for line in [f"  {name}: {shown}"] if "\n" not in shown else [f"  {name}: |", *shown.splitlines()]:
                log.hear(line if line.startswith("  ") else f"    {line}")
        log.end()
        number, commit = event["number"], event["pull_request"]["merge_commit_sha"]
        filled = {"job-index": "0", "check-run-id": f"3825556{number}", "source-name": "GitHub Actions"}
        runner = {**_variables(commit), **(variables or {})}
        step = run_step(self._entrypoint, runner, event, given | filled, log.hear)
        self._screen.say(f"(exit code {step.exit_code})")
        return step

    def _show_summary(self, step: Step) -> None:
        self._screen.title("\nThe summary of the job")
        self._screen.say(_indented(*summary_lines(step.summary)))
        self._screen.say()

    def _promise(self, what: str, holds: bool) -> None:
        self.promises += 1
        self._screen.say(f"  {'✓' if holds else '✗'} {what}", _GREEN if holds else _RED)
        if not holds:
            self.broken.append(what)


def main(entrypoint: Path, stream: TextIO, *, colour: bool) -> int:
    """Play the scenes; 1 if one does not keep what it promises."""
    screen = Screen(stream.write, colour=colour)
    with Sandbox(token=TOKEN) as dx:
        screen.say(
            f"A stand-in for DX listens at {dx.url}. The action runs as it does in a job, but without its container."
        )
        demo = Demo(dx, screen, entrypoint)
        for scene in (demo.merged, demo.outage, demo.monorepo, demo.refused):
            scene()
    if demo.broken:
        screen.say(f"\n✗ {len(demo.broken)} of {demo.promises} promises are broken: {'; '.join(demo.broken)}.", _RED)
        return 1
    screen.say(f"\n✓ All {demo.promises} promises hold.", _GREEN)
    return 0


def _ended(step: Step) -> tuple[int, str | None]:
    return step.exit_code, step.outputs.get("status")


def _event(number: int, commit: str, *, changed_files: int = 1, base: str = "") -> dict[str, Any]:
    pull = {
        "id": 2401500000 + number,
        "number": number,
        "title": monorepo.TITLE if number == monorepo.NUMBER else f"Change {number}",
        "user": {"login": "octocat"},
        "html_url": f"https://github.com/acme/shop/pull/{number}",
        "merged": True,
        "merged_at": monorepo.ago(0),
        "merge_commit_sha": commit,
        "changed_files": changed_files,
        "base": {"ref": "main", "sha": base or None, "repo": _REPOSITORY},
        "head": {"ref": "cart-total", "sha": commit, "repo": _REPOSITORY},
    }
    return {"action": "closed", "number": number, "pull_request": pull, "repository": _REPOSITORY}


def _variables(commit: str) -> Mapping[str, str]:
    return {
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": commit,
        "GITHUB_RUN_ID": "13654800037",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_JOB": "register",
        "GITHUB_SERVER_URL": "https://github.com",
    }


def _texts(step: Step) -> str:
    """Return all that a reader can see; the runner obeys the line that masks, and does not show it."""
    log: Iterable[str] = (line for line in step.log if not line.startswith("::add-mask::"))
    return "\n".join((*log, step.summary, *step.outputs.values()))


def _indented(*lines: str) -> str:
    return "\n".join(f"  {line}".rstrip() for text in lines for line in text.split("\n"))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


if __name__ == "__main__":
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)
    raise SystemExit(main(ENTRYPOINT, sys.stdout, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR")))
