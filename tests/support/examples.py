"""The examples: what each is promised to send, read as GitHub reads it, and run on its event."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import events
from builders import payload
from dx_action.sandbox import Sandbox
from expressions import evaluate, filled
from gfm import Page
from happenings import FOLDER, JOB, RUN_PAGE, Changes, Happening
from runner import TOKEN, Step, register, run_job
from stand_in import GitHub, Repo

ACTION = re.compile("your-org/dx-deployment-action(/job|/native)?@")
MERGED_41, TIP = "312c5c6455a5802d9eff8e65fbc68a516dd3a76d", "c89241549856579cbcce0211499667cb1ecc577a"
# The commits `third` and `merge` of `make_place`; git gives the same ids to the same commits.
SHIPPED = ["f7a19743d8761e1c90278607f2d8c630c86072e6", "27b6aa4c96c5881738da6b4a22d9201afd0c1c75"]
COMMITTED = 1741083330
PAYMENTS, WEB = {"identifier": "payments-service"}, {"identifier": "web", "name": "Web App"}
MANIFEST = "version=1.4.0\ncommit=d1a34f0c3c1d2b5f6a7788990011223344556677\n"
BUILT = "d1a34f0c3c1d2b5f6a7788990011223344556677"  # the commit that the manifest names
GIT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{
        f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (("NAME", "A"), ("EMAIL", "a"))
    },
}
Outcome = tuple[str, int, int, list[Any], list[Any], list[str]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """An event, and what DX is sent then.

    `known` are the expressions that neither the event nor a script of the example answers; `workspace` are the files that are
    there, and `held` is what DX has; `calls` are those to GitHub, by a token with just the permissions that the example gives;
    `listed` are the pull requests in the summary; `checks` are the lines of a check, each with its outcome. If the job's condition
    keeps it from starting, `starts` is false; the rest then is what would be if the condition were not there. `job` is the job's
    status at its end, of an example of `job/`.
    """

    event: str = "push_branch"
    changes: Changes = field(default_factory=dict)
    happening: Callable[[], Happening] | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    workspace: Mapping[str, str] = field(default_factory=dict)
    held: Sequence[Mapping[str, Any]] = ()
    leg: int = 0
    starts: bool = True
    job: str = ""
    refused: bool = False
    calls: int = 0
    listed: int = 0
    status: str = "registered"
    exit_code: int = 0
    sent: Sequence[Mapping[str, Any]] = ()
    kept: Sequence[Mapping[str, Any]] = ()
    checks: Sequence[str] = ()


def create(reference_id: str, **body: Any) -> dict[str, Any]:
    """Give the body of a deployments.create; None takes a field away."""
    usual = {
        "reference_id": reference_id,
        "deployed_at": "2025-03-04T12:00:00Z",
        "service": {"identifier": "payments-service"},
        "repository": "acme/shop",
        "source_url": RUN_PAGE.format("13654800333"),
        "source_name": "GitHub Actions",
    }
    return {name: value for name, value in (usual | body).items() if value is not None}


def of_job(service: str = "payments-service", job: str = JOB) -> str:
    return f"github.com/job/{job}/<digest>/{service}"


PUSHED = create(of_job(), commit_sha=MERGED_41)
DISPATCHED = RUN_PAGE.format("13654801887")


@cache
def text_of(name: str) -> str:
    return (FOLDER / f"{name}.yml").read_text(encoding="utf-8")


@cache
def workflow(name: str) -> dict[str, Any]:
    """Read an example with every scalar as it is written, `on` and `true` among them."""
    found: dict[str, Any] = yaml.load(text_of(name), Loader=yaml.BaseLoader)
    return found


def step_of(name: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Give the job's id, the job, and the `with` of its step that uses the action. What a job calls takes its place."""
    found = [
        (job_id, job, step["with"])
        for job_id, job in workflow(name)["jobs"].items()
        for step in (job["steps"] if "steps" in job else called(job)["steps"])
        if ACTION.match(step.get("uses", ""))
    ]
    assert len(found) == 1, name
    return found[0]


def called(job: Mapping[str, Any]) -> dict[str, Any]:
    """Give the job of the reusable workflow that a job calls, with the caller's expressions for its inputs."""
    reusable = workflow(Path(job["uses"].partition("@")[0]).stem)
    assert job["secrets"].keys() == reusable["on"]["workflow_call"]["secrets"].keys()
    inputs = reusable["on"]["workflow_call"]["inputs"]
    assert job["with"].keys() <= inputs.keys()
    given = {key: job["with"].get(key, about.get("default", "")) for key, about in inputs.items()}
    (only,) = reusable["jobs"].values()
    text = json.dumps(only)
    for key, expression in given.items():
        text = text.replace(f"${{{{ inputs.{key} }}}}", expression)
    found: dict[str, Any] = json.loads(text)
    return found


class Expressions:
    """What `${{ … }}` and a job's `if` stand for."""

    def __init__(self, name: str, case: Case, event: Mapping[str, Any], known: Mapping[str, str], place: Path) -> None:
        self._jobs, self._case, self._event, self._place = workflow(name)["jobs"], case, event, place
        self._job = step_of(name)[0]
        self._name, self._known = name, dict(known) | dict(case.known)

    @property
    def early(self) -> "Expressions":
        """What they stand for at the start of the job, when no step has run."""
        known = {name: "" if name.startswith("steps.") else value for name, value in self._known.items()}
        return Expressions(self._name, replace(self._case, known={}), self._event, known, self._place)

    def filled(self, text: str) -> str:
        return filled(text, lambda name: self._value(name, self._job))

    def starts(self) -> bool:
        condition = self._jobs[self._job].get("if", "always()")
        return bool(evaluate(condition, lambda name: self._value(name, self._job)))

    def _value(self, name: str, job: str) -> Any:
        if name in self._known:
            return self._known[name]
        registration, *path = name.split(".")
        if name == "github.event_name":
            return events.load(self._case.event)[0]["GITHUB_EVENT_NAME"]
        if registration == "github" and path[0] == "event":
            value: Any = self._event
            for key in path[1:]:
                value = value[key]
            return value
        if registration == "needs" and path[1] == "outputs":
            text = self._jobs[path[0]]["outputs"][path[2]]
            return filled(text, lambda output: self._value(output, path[0]))
        if registration == "steps" and path[1] == "outputs":
            (step,) = (step for step in self._jobs[job]["steps"] if step.get("id") == path[0])
            return script_outputs(step["run"], self._case.event, self._place)[path[2]]
        raise KeyError(name)


@cache
def script_outputs(script: str, event: str, place: Path) -> dict[str, str]:
    """Run a step's script, where a repository is checked out, and read its outputs."""
    output = place / f"outputs{len(list(place.iterdir()))}"
    output.touch()
    variables, _ = events.load(event)
    env = {"PATH": os.environ["PATH"], "GITHUB_OUTPUT": str(output), **GIT, **variables}
    subprocess.run(["bash", "-e", "-c", script], cwd=place / "shop", env=env, check=True, timeout=20)
    found: dict[str, str] = {}
    lines = iter(output.read_text().splitlines())
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc:
            found[name] = "\n".join(iter(lambda: next(lines), delimiter))
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found


def outcome(
    name: str, case: Case, folder: Path, place: Path, *, without: str = "", permissions: Mapping[str, str] | None = None
) -> Outcome:
    """Run the example's step, and give what became of it: status, exit code, what was listed, sent, kept in files, and checked."""
    job_id, job, written = step_of(name)
    happening = case.happening() if case.happening else None
    changes = case.changes | (happening.changes if happening else {})
    event = payload(case.event, changes)
    folder.mkdir()
    (folder / "event.json").write_text(json.dumps(event))
    granted = (job["permissions"] or _of_the_app(job)) if permissions is None else permissions
    may = {each: granted.get(each.replace("_", "-"), "none") for each in ("contents", "pull_requests", "deployments")}
    faults = [{"status": 422, "error": "service_retired"}] if case.refused else []
    with Sandbox(token=TOKEN, faults=faults) as dx, GitHub(happening.repo if happening else Repo()) as github:
        github.permissions.update(may)
        expressions = Expressions(name, case, event, {"secrets.DX_TOKEN": TOKEN, "vars.DX_HOST": dx.url}, place)
        inputs = {key: text for key, text in written.items() if key != without}
        step = Step(
            folder,
            {key: expressions.filled(text) for key, text in inputs.items()},
            case.event,
            {"GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_API_URL": github.api_url, "GITHUB_JOB": job_id}
            | ({"GITHUB_SHA": happening.sha} if happening else {}),
            check_run_id=str(int(JOB) + case.leg),
            job_index=str(case.leg),
            github_token=github.token if "github-token" not in written else "the-jobs-own",
        )
        for body in case.held:
            register(dx, body)
        for path, content in case.workspace.items():
            (step.workspace / path).write_text(content)
        if case.job:
            early = {key: expressions.early.filled(text) for key, text in inputs.items()}
            began, run = run_job(replace(step, inputs=early), case.job, step.inputs, run=Step.inside)
            assert without or (began.status, began.annotations) == ("waiting", [])
        else:
            run = step.inside()
        if not without and permissions is None:
            assert github.count() == case.calls
        sent = [request["json"] for request in dx.requests()[len(case.held) :]]
    kept = [json.loads(line) for file in run.workspace.rglob("*.jsonl") for line in file.read_text().splitlines()]
    listed = len([text for _, text in Page(run.summary).links if text.startswith("#")])
    checks = [f"{line['name']} {line['outcome']}" for line in run.json("checks")]
    return run.status, run.exit_code, listed, _steady(_ordered(sent)), _steady(kept), checks


def _of_the_app(job: Mapping[str, Any]) -> dict[str, str]:
    """Give the permissions of a token that an app gives, where a step lookups for one."""
    asked = [step["with"] for step in job.get("steps", ()) if "create-github-app-token@" in step.get("uses", "")]
    return {name.removeprefix("permission-"): level for each in asked for name, level in each.items()}


def _ordered(sent: list[Any]) -> list[Any]:
    """Deployments travel side by side, and so do pull requests, which are before them."""
    first = next((number for number, body in enumerate(sent) if "reference_id" in body), len(sent))

    def key(body: Any) -> tuple[str, str]:
        return str(body.get("service")), "" if "service" in body else body["reference_id"]

    pulls = sorted(sent[:first], key=lambda body: body.get("github_pull_id", 0))
    return pulls + sorted(sent[first:], key=key)


def _steady(bodies: list[Any]) -> list[Any]:
    """Put the digest of a job's id aside: of what it is made is another test's subject."""
    found: list[Any] = json.loads(re.sub(r"(/job/\d+)/[0-9a-f]{12}/", r"\1/<digest>/", json.dumps(bodies)))
    return found


def promised(case: Case) -> Outcome:
    return case.status, case.exit_code, case.listed, list(case.sent), list(case.kept), list(case.checks)


def make_place(folder: Path) -> Path:
    """Make in a folder a repository `shop`: a tag, a merge with a side branch's commit, another commit, and a newer tag."""
    commands = """
        init --quiet --initial-branch=main shop
        commit first
        tag v1.3.0
        checkout --quiet -b side
        commit side
        checkout --quiet main
        merge --quiet --no-ff --message=merge side
        commit third
        tag v1.3.1
    """
    for number, line in enumerate(commands.split("\n")):
        date = f"{COMMITTED - 8 + number} +0000"
        words = line.split()
        if not words:
            continue
        if words[0] == "commit":
            words = ["commit", "--quiet", "--allow-empty", f"--message={words[1]}"]
        env = {"PATH": os.environ["PATH"], **GIT, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        where = folder if words[0] == "init" else folder / "shop"
        subprocess.run(["git", *words], cwd=where, env=env, check=True, timeout=20)
    (folder / "shop/deploy").mkdir()
    (folder / "shop/deploy/production.env").write_text(MANIFEST)
    return folder
