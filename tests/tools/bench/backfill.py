"""Owns the throughput of sending history: the action's backfill beside a shell loop of curl, against a server that takes 20 ms."""

import os
import shutil
from pathlib import Path
from typing import Any

from bench.contestants import ENTRYPOINT, inputs, step
from bench.histories import rows
from bench.measure import Sample, Stopwatch
from bench.server import TOKEN, beside

LATENCY = 0.02
# Of the whole run, its start included: 250 rows a second.
MOST_MS, MOST_CPU_MS = 4.0, 2.5
ROWS, LOOPED = 1_000, 100
_LOOP = r"""
set -eu
tail -n +2 rows.csv | while IFS=, read -r id at service repository sha; do
  curl --max-time 60 --silent --fail --output response.txt --header "Authorization: Bearer $DX_TOKEN" \
    --header "Content-Type: application/json" --data "{\"reference_id\":\"$id\",\"deployed_at\":\"$at\",
    \"service\":\"$service\",\"repository\":\"$repository\",\"commit_sha\":\"$sha\"}" "$DX_URL/api/deployments.create"
done
"""


def throughput(scratch: Path, watch: Stopwatch) -> list[dict[str, Any]]:
    """Return rows a second of each."""
    folder = scratch / "backfill"
    folder.mkdir()
    found = []
    with beside(folder, LATENCY) as server:
        given = inputs(server, service="", operation="backfill", backfill_file="rows.csv") | {
            "max-per-second": "0",
            "concurrency": "8",
        }
        env, workspace = step(folder, given, "workflow_dispatch")
        shutil.copy(server.ca, workspace / "ca.pem")
        (workspace / "rows.csv").write_text(rows(ROWS))
        sample = watch.time(ENTRYPOINT, env, workspace)
        found.append(_told("this action, `concurrency: 8`", ROWS, sample, server.held()))
        bash = shutil.which("bash")
        if bash and shutil.which("curl"):
            server.ask("reset", {})
            (workspace / "rows.csv").write_text(rows(LOOPED))
            variables = {"PATH": os.environ.get("PATH", os.defpath), "DX_URL": server.url, "DX_TOKEN": TOKEN}
            variables["CURL_CA_BUNDLE"] = str(server.ca)
            sample = watch.time([bash, "-c", _LOOP], variables, workspace)
            found.append(_told("a shell loop of curl", LOOPED, sample, server.held()))
    return found


def aims(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Hold the action's backfill, the first of the two, to what was aimed at."""
    ours = found[0]
    wall = round(ours["seconds"] * 1000 / ours["rows"], 2)
    return [
        {"what": what, "measured": measured, "most": most, "met": measured <= most}
        for what, measured, most in (
            ("ms for a row of a backfill, eight in flight", wall, MOST_MS),
            ("ms of processor for a row of a backfill", ours["cpu_ms_a_row"], MOST_CPU_MS),
        )
    ]


def _told(what: str, count: int, sample: Sample, held: int) -> dict[str, Any]:
    if held != count:
        raise RuntimeError(f"{what}: of {count} rows, {held} are held")
    return {
        "what": what,
        "rows": count,
        "rows_a_second": round(count / sample.wall, 1),
        "cpu_ms_a_row": round(sample.cpu * 1000 / count, 2),
        "seconds": round(sample.wall, 2),
        "memory_mib": round(sample.memory, 1),
    }
