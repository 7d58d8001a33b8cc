"""The examples of other systems, read as those systems read them: Argo CD's hook and notification, Jenkins' stage, GitLab's job.

Each gives the command that it runs, and the variables that the command gets.
"""

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from commands import PROGRAM, Ran, environment, ran
from runner import PATIENCE, ROOT, TOKEN

FOLDER = ROOT / "examples"
IMAGE = "ghcr.io/your-org/dx-deployment-action@sha256:" + "0" * 64
# Takes docker's place: it starts the real entry point with the arguments behind the image and the variables that are handed on.
DOCKER = f"""#!{sys.executable} -I
import os, sys
run, rm, *rest = sys.argv[1:]
assert (run, rm) == ("run", "--rm"), sys.argv
env = {{"PATH": os.defpath}}
while rest[0] == "-e":
    name = rest[1]
    assert name.isidentifier() and name in os.environ, name
    env[name] = os.environ[name]
    rest = rest[2:]
assert rest[0] == {IMAGE!r}, rest[0]
os.execve({PROGRAM[0]!r}, [*{list(PROGRAM)!r}, *rest[1:]], env)
"""


def documents(name: str) -> list[dict[str, Any]]:
    """Give the documents of a YAML file, in Kubernetes' reading."""
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Hook:
    """Argo CD's hook: a Kubernetes Job of one container."""

    manifest: Mapping[str, Any]

    @property
    def container(self) -> Mapping[str, Any]:
        (container,) = self.manifest["spec"]["template"]["spec"]["containers"]
        found: Mapping[str, Any] = container
        return found

    def variables(self, secrets: Mapping[tuple[str, str], str]) -> dict[str, str]:
        """Give the container's variables; `secrets` are by the Secret's name and the key in it."""
        found = {}
        for each in self.container["env"]:
            reference = each.get("valueFrom", {}).get("secretKeyRef")
            found[each["name"]] = secrets[reference["name"], reference["key"]] if reference else each["value"]
        return found

    def arguments(self, variables: Mapping[str, str]) -> list[str]:
        """Give the arguments as Kubernetes does: `$(NAME)` is a variable of the container, or stays as it is."""
        return [
            re.sub(r"\$\((\w+)\)", lambda found: variables.get(found[1], found[0]), each)
            for each in self.container["args"]
        ]


def hook() -> Hook:
    (manifest,) = documents("argo-cd-postsync.yaml")
    return Hook(manifest)


def dispatched(application: Mapping[str, Any]) -> dict[str, Any]:
    """Give the request that Argo CD's notification sends to GitHub when this application has been synced."""
    (config,) = documents("argo-cd-notification.yaml")
    (trigger,) = yaml.safe_load(config["data"]["trigger.on-deployed"])
    (template,) = trigger["send"]
    webhooks = yaml.safe_load(config["data"][f"template.{template}"])["webhook"]
    ((service, request),) = webhooks.items()
    assert yaml.safe_load(config["data"][f"service.webhook.{service}"])["url"].endswith("/dispatches")
    assert request["method"] == "POST"

    def value(found: re.Match[str]) -> str:
        part: Any = {"app": application}
        for name in found[1].split("."):
            part = part[name]
        return str(part)

    body: dict[str, Any] = json.loads(re.sub(r"\{\{\.([\w.]+)\}\}", value, request["body"]))
    return body


def by_jenkins(folder: Path, success: str, env: Mapping[str, str]) -> Ran:
    """Run the shell step of the Jenkinsfile, as its function is called with this argument."""
    text = (FOLDER / "Jenkinsfile").read_text(encoding="utf-8")
    (script,) = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
    (variable,) = re.findall(r"string\(credentialsId: 'dx-token', variable: '(\w+)'\)", text)
    written = dict(re.findall(r"^ +(\w+) = '(.*?)'", text, re.MULTILINE))
    # Within a string in single quotes Groovy reads a backslash at the end of a line as the line going on.
    script = script.replace("\\\n", "")
    return by_shell(folder, [script], {**written, variable: TOKEN, "SUCCESS": success, **env})


def by_gitlab(folder: Path, env: Mapping[str, str]) -> Ran:
    """Run the script of GitLab's job."""
    (pipeline,) = documents("gitlab-ci.yml")
    job = pipeline["deploy"]
    return by_shell(folder, job["script"], {**job["variables"], "DX_TOKEN": TOKEN, **env})


def by_shell(folder: Path, lines: Sequence[str], env: Mapping[str, str]) -> Ran:
    """Run lines in one shell that ends at the first failure."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    given = {**environment(), **env, "PATH": f"{programs}:/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(lines)], cwd=folder, env=given, capture_output=True, timeout=PATIENCE, check=False
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def by_kubernetes(folder: Path, job: Hook, secrets: Mapping[tuple[str, str], str], **env: str) -> Ran:
    """Run the Job's container, with some variables in place of those that are written."""
    variables = job.variables(secrets) | env
    return ran(folder, job.arguments(variables), environment() | variables)
