"""Owns the starting of processes: small, because Linux counts the memory of whoever starts a process as that process's own.

Reads a job a line, as JSON, and answers each with its seconds, its memory and its status.
"""

import json
import os
import sys
import time
from typing import Any


def run(job: dict[str, Any]) -> dict[str, float]:
    """Run a command to its end; what it prints goes to the job's log."""
    log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.chdir(job["folder"])
    began = time.perf_counter()
    process = os.posix_spawn(
        job["command"][0],
        job["command"],
        job["env"],
        file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
    )
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - began
    os.close(log)
    return {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / 1024,
        "code": os.waitstatus_to_exitcode(status),
    }


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)
