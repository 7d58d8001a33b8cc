"""Feeds what reads foreign bytes with bytes that coverage guides: `make fuzz`, with SECONDS=60 for each reader. Needs atheris.

It is the long way of `tests/runs/test_fuzz*.py`, and whatever it finds becomes a case there. A finding ends it with the bytes in
a file.
"""

import argparse
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2025, 3, 4, 12, tzinfo=UTC)
sys.path[:0] = [str(ROOT)]


def targets() -> dict[str, tuple[Callable[[bytes], Any], tuple[bytes, ...]]]:
    """Give each reader, with bytes to begin from."""
    from dx_action.dx.answers import Answer, judge  # noqa: PLC0415 - imported only once atheris watches imports
    from dx_action.inputs.metadata import parse_metadata  # noqa: PLC0415
    from dx_action.inputs.model import read_inputs  # noqa: PLC0415
    from dx_action.runner.event import parse_event  # noqa: PLC0415
    from dx_action.secrecy import Secret, Secrets  # noqa: PLC0415
    from dx_action.services.backstage import Catalogs  # noqa: PLC0415
    from dx_action.services.codeowners import parse_codeowners  # noqa: PLC0415
    from dx_action.services.map import parse_service_map  # noqa: PLC0415

    paths = ("apps/web/a.md", "libs/b", "README.md", "é/\u202e", "*", "[a]", " z ")

    def event(data: bytes) -> Any:
        import json  # noqa: PLC0415

        name, _, payload = data.partition(b"\n")
        try:
            found = json.loads(payload)
        except (ValueError, RecursionError):
            return None
        return parse_event(name.decode(errors="replace"), found) if isinstance(found, dict) else None

    def inputs(data: bytes) -> Any:
        pairs = (part.partition(b"=") for part in data.split(b"\x01"))
        names = {name.decode(errors="replace"): text.decode(errors="surrogateescape") for name, _, text in pairs}
        return read_inputs({f"INPUT_{name.upper()}": text for name, text in names.items()})

    def answer(data: bytes) -> Any:
        status, retry, body = (*data.split(b"\n", 2), b"", b"")[:3]
        code = int(status) if status.isdigit() and len(status) < 5 else 200
        return judge(Answer(code, body, retry.decode("latin-1")), "deployments.create", NOW)

    secrets = Secrets([Secret("it", 'Zq"9\\%41&lt;token'), Secret("another", "q4=b")])

    def hidden(data: bytes) -> None:
        text = data.decode(errors="surrogateescape")
        if secrets.names_in(text):
            assert not secrets.names_in(secrets.scrubbed(text))

    return {
        "secrets": (hidden, (b'Zq\\"9\\\\%41&lt;token', b"x%5AqIjk=&#90;q", b"q4=b ")),
        "map": (lambda data: parse_service_map(data, "map").services_of(paths), (b"web: [apps/**, '!*.md']\n",)),
        "owners": (lambda data: parse_codeowners(data, "CODEOWNERS").services_of(paths), (b"* @a/b\n/x/ a@b.c\n",)),
        "catalog": (
            lambda data: Catalogs(lambda _: data).services_of(paths),
            (b"kind: Component\nmetadata:\n  name: a\n",),
        ),
        "metadata": (lambda data: parse_metadata(data.decode(errors="replace")), (b'{"a": 1}', b"a: 1.10\n")),
        "event": (event, (b'push\n{"ref": "refs/heads/main", "head_commit": null}',)),
        "inputs": (inputs, (b"service=web\x01deployed-at=2025-03-04T12:00:00Z\x01metadata=a: 1", b"dx-host=acme")),
        "answer": (answer, (b'200\n\n{"ok": true}', b'429\n5\n{"ok": false, "error": "reference_id_taken"}')),
    }


def watch(name: str, seconds: int) -> None:
    """Fuzz one reader in this process; it ends with a traceback where the reader does."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["dx_action"]):
        read, seeds = targets()[name]
    from dx_action.errors import ActionError, InvalidValue  # noqa: PLC0415

    def one(data: bytes) -> None:
        try:
            read(data)
        except (ActionError, InvalidValue) as error:
            str(error).encode()

    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds):
            Path(folder, str(number)).write_bytes(seed)
        limits = [
            f"-max_total_time={seconds}",
            "-timeout=10",
            "-rss_limit_mb=2048",
            "-max_len=4096",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={ROOT}/.mutants/{name}-", folder], one)
        atheris.Fuzz()


def main() -> int:
    """Fuzz each reader in a process of its own, and tell which ended in another way than by the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        print("NOT RUN: atheris is not installed: it has wheels for Linux on x86-64 and some Pythons only")
        return 3
    if given.only:
        watch(given.only, given.seconds)
        return 0
    (ROOT / ".mutants").mkdir(exist_ok=True)
    failed = []
    for name in targets():
        command = [sys.executable, __file__, "--only", name, "--seconds", str(given.seconds)]
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
        )
        stats = [line for line in ended.stderr.splitlines() if line.startswith(("stat::number_of_executed", "Done"))]
        print(f"{name}: {'fine' if not ended.returncode else 'FAILED'} {' '.join(stats[:1])}", flush=True)
        if ended.returncode:
            failed.append(name)
            print(ended.stdout[-4000:] + ended.stderr[-4000:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
