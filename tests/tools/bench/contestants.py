"""Owns who is measured, and the variables that each is given. All register one deployment of a merged pull request."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import certifi

import events
import runner
from bench import published
from bench.measure import Contestant
from bench.server import TOKEN, Server

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
EVENT = "pull_request_merged"
FLAGS = ("-I", "-u", "-B")
ENTRYPOINT = (sys.executable, *FLAGS, str(ROOT / "entrypoint.py"))
OURS, CURL, ALONE, NODE, DATADOG, SENTRY = "ours", "curl", "curl-alone", "node", "datadog", "sentry"


def inputs(server: Server, **more: str) -> dict[str, str]:
    """Return the three inputs of the plain use, and the CA of a server on loopback."""
    given = {name.replace("_", "-"): value for name, value in more.items()}
    return {"dx-host": server.url, "dx-token": TOKEN, "service": "payments-service", "ca-bundle": "ca.pem"} | given


def step(folder: Path, given: Mapping[str, str], event: str = EVENT, **env: str) -> tuple[dict[str, str], Path]:
    """Return the variables of a step of ours as the runner hands them over, and its workspace."""
    prepared = runner.Step(folder, given, event, env)
    return prepared.environment(), prepared.workspace


def by_hand(server: Server, folder: Path) -> tuple[list[Contestant], list[str]]:
    """What someone would write instead, as far as it is at hand, and a line for each that is not."""
    env = curl_variables(server, folder) | {
        "CURL_CA_BUNDLE": str(_public_and_ours(server, folder)),
        "NODE_EXTRA_CA_CERTS": str(server.ca),
    }
    found, missing = [], []
    bash, node = shutil.which("bash"), shutil.which("node")
    if bash and shutil.which("curl") and shutil.which("jq"):
        label = f"the docs' curl + jq {version('jq')} step, made correct"
        found.append(Contestant(CURL, label, [bash, str(HERE / "step.sh")], env, folder))
        found.append(Contestant(ALONE, "curl alone, its body ready", alone(server, folder), env, folder))
    else:
        missing.append("the docs' step: bash, curl and jq are not all on PATH")
    if node:
        found.append(Contestant(NODE, "a bare Node https script", [node, str(HERE / "register.cjs")], env, folder))
    else:
        missing.append("the Node script: node is not on PATH")
    return [registering(each, server) for each in found], missing


def of_others(server: Server, folder: Path, npm: Path) -> tuple[list[Contestant], list[str]]:
    """The published reporters of other services, or why they are not at hand."""
    if why := published.install(npm):
        return [], [f"{' and '.join(published.PACKAGES)}: {why}"]
    datadog = published.datadog(npm, server.port, server.ca)
    sentry = published.sentry(npm, server.port, _public_and_ours(server, folder))
    return [
        registering(Contestant(name, label, command, given, folder), server)
        for name, label, (command, given) in (
            (DATADOG, "`datadog-ci dora deployment`", datadog),
            (SENTRY, "`sentry-cli deploys new`", sentry),
        )
    ], []


def _public_and_ours(server: Server, folder: Path) -> Path:
    """Write a file of the public CAs, too, as for ours: reading them is part of every real run."""
    path = folder / "public-and-ours.pem"
    path.write_bytes(Path(certifi.where()).read_bytes() + server.ca.read_bytes())
    return path


def alone(server: Server, folder: Path) -> list[str]:
    """Return curl's own command in the docs' step, for a body that was made before."""
    _, event = events.load(EVENT)
    body = {
        "service": {"identifier": "payments-service"},
        "repository": "acme/shop",
        "deployed_at": "2025-03-04T12:00:00Z",
    }
    (folder / "body.json").write_text(json.dumps(body | {"commit_sha": event["pull_request"]["merge_commit_sha"]}))
    return [
        *(
            str(shutil.which("curl")),
            "--max-time",
            "60",
            "--silent",
            "--fail",
            "--output",
            str(folder / "response.txt"),
        ),
        *(
            "--request",
            "POST",
            "--header",
            f"Authorization: Bearer {TOKEN}",
            "--header",
            "Content-Type: application/json",
        ),
        *("--data", f"@{folder / 'body.json'}", f"{server.url}/api/deployments.create"),
    ]


def version(program: str) -> str:
    """Ask a program for its version."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(?:\.\d+)?", done.stdout)
    return found[0] if found else "?"


def registering(contestant: Contestant, server: Server) -> Contestant:
    """Have every run begin with an empty service, and end with one deployment in it."""

    def check() -> str:
        return "" if (held := server.held()) == 1 else f"{held} deployments are held"

    return replace(contestant, before=lambda: server.ask("reset", {}), check=check)


def curl_variables(server: Server, folder: Path) -> dict[str, str]:
    variables, _ = events.load(EVENT)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        **variables,
        "GITHUB_EVENT_PATH": str(events.path(EVENT)),
        "DX_URL": server.url,
        "DX_TOKEN": TOKEN,
        "SERVICE": "payments-service",
        "RESPONSE": str(folder / "response.txt"),
    }
