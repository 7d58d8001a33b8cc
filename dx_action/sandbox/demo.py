"""`python -m dx_action.sandbox.demo`: the action at work against the stand-in, as the log on GitHub shows it.

Owns the three scenes and what must come of each, so that it is a smoke test, too: it ends with 1 where anything went otherwise.
"""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from dx_action.sandbox.rendering import ActionsLog, Screen, summary_lines
from dx_action.sandbox.server import Sandbox
from dx_action.sandbox.step import Step, run_step

ENTRYPOINT = Path(__file__).resolve().parents[2] / "entrypoint.py"
TOKEN, REVOKED = "dx-demo-token-3f9c1b", "dx-demo-revoked-8e27d4"
_LONGEST = 100
_WRONG = 31
_REPOSITORY = {"full_name": "acme/shop", "default_branch": "main"}


class Demo:
    """The scenes, and what did not go as told."""

    def __init__(self, dx: Sandbox, screen: Screen, entrypoint: Path) -> None:
        self._dx, self._screen, self._entrypoint = dx, screen, entrypoint
        self.wrong: list[str] = []

    def merged(self) -> None:
        """A pull request is merged, and its deployment is registered."""
        step = self._play(
            "1 of 3: a pull request is merged", number=41, commit="312c5c6455a5802d9eff8e65fbc68a516dd3a76d"
        )
        for request in self._dx.requests()[:1]:
            self._screen.title("\nWhat DX received")
            self._screen.say(
                f"  {request['verb']} {request['path']}\n  Authorization: Bearer *** ({request['authorization']})"
            )
            self._screen.say(_indented(json.dumps(request["json"], indent=2)))
        self._screen.title("\nThe outputs of the step")
        self._screen.say(_indented(*(f"{name:<18} {_short(value)}" for name, value in step.outputs.items() if value)))
        self._screen.title("\nThe summary of the job")
        self._screen.say(_indented(*summary_lines(step.summary)))
        self._screen.say()
        held = self._dx.deployments()
        self._check("the step is green", step.exit_code == 0)
        self._check("status is registered", step.outputs.get("status") == "registered")
        self._check("DX holds the merge commit, once", [each.get("commit_sha", "")[:7] for each in held] == ["312c5c6"])
        self._check("the token is in no output and not in the summary", TOKEN not in _texts(step))

    def outage(self) -> None:
        """DX is down for a moment, and the step waits."""
        before = len(self._dx.requests())
        self._dx.script([{"status": 503, "body": "html", "times": 2}])
        step = self._play("2 of 3: DX answers 503 twice", number=42, commit="c89241549856579cbcce0211499667cb1ecc577a")
        sent = self._dx.requests()[before:]
        self._check("the step is green", step.exit_code == 0)
        self._check("DX answered 503, 503 and 200", [each["status"] for each in sent] == [503, 503, 200])
        self._check("every attempt had the same bytes", len({each["body"] for each in sent}) == 1)
        self._check("DX holds it once", len(self._dx.deployments()) == 2)  # beside that of the first scene

    def refused(self) -> None:
        """The token was revoked: the step says so and fails."""
        commit = "c24705b4b609848661ff6096b6f66626e8734485"
        step = self._play("3 of 3: DX refuses the token", number=43, commit=commit, token=REVOKED)
        told = [line for line in step.log if line.startswith("::error ")]
        self._check("the step is red", step.exit_code == 1)
        self._check("status is failed", step.outputs.get("status") == "failed")
        self._check("one error says that the token is not valid", len(told) == 1 and "invalid_auth" in told[0])
        self._check("DX holds nothing more", len(self._dx.deployments()) == 2)
        self._check("the token is nowhere but in its mask", REVOKED not in _texts(step))

    def _play(self, title: str, *, number: int, commit: str, token: str = TOKEN) -> Step:
        self._screen.title(f"\n──── {title} {'─' * (60 - len(title))}")
        inputs = {"dx-host": self._dx.url, "dx-token": token, "service": "payments-service"}
        log = ActionsLog(self._screen)
        log.hear(f"::add-mask::{token}")
        log.begin("Run your-org/dx-deployment-action")
        for line in ("with:", *(f"  {name}: {value}" for name, value in inputs.items())):
            log.hear(line)
        log.end()
        filled = {"job-index": "0", "check-run-id": f"3825556{number}", "source-name": "GitHub Actions"}
        step = run_step(self._entrypoint, _variables(commit), _event(number, commit), inputs | filled, log.hear)
        self._screen.say(f"(exit code {step.exit_code})")
        return step

    def _check(self, what: str, holds: bool) -> None:
        self._screen.say(f"  {'as told' if holds else 'WRONG'}: {what}", 0 if holds else _WRONG)
        if not holds:
            self.wrong.append(what)


def main(entrypoint: Path, stream: TextIO, *, colour: bool) -> int:
    """Play the scenes; 1 where something did not go as told."""
    screen = Screen(stream.write, colour=colour)
    with Sandbox(token=TOKEN) as dx:
        screen.say(
            f"A stand-in for DX listens at {dx.url}. The action runs as it does in a job, but without its container."
        )
        demo = Demo(dx, screen, entrypoint)
        demo.merged()
        demo.outage()
        demo.refused()
    if demo.wrong:
        screen.say(f"\n{len(demo.wrong)} did NOT go as told: {'; '.join(demo.wrong)}.", _WRONG)
        return 1
    screen.say("\nEverything went as told.")
    return 0


def _event(number: int, commit: str) -> dict[str, Any]:
    pull = {
        "id": 2401500000 + number,
        "number": number,
        "html_url": f"https://github.com/acme/shop/pull/{number}",
        "merged": True,
        "merge_commit_sha": commit,
        "base": {"ref": "main", "repo": _REPOSITORY},
        "head": {"ref": "cart-total", "repo": _REPOSITORY},
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
    """Give all that a reader can see; the line that masks is obeyed by the runner and not shown."""
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
