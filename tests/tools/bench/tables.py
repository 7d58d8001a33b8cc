"""The results as text: what `make bench` prints, and the part of docs/benchmarks.md between its markers. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

BEGIN, END = "<!-- Written by `make bench`; change it there. -->", "<!-- The end of what `make bench` wrote. -->"
Results = Mapping[str, Any]
WHO = {"ours": "this action", "curl": "curl + jq", "datadog": "datadog-ci", "sentry": "sentry-cli"}


_DOORS = (
    "The other ways to start it, in the same rounds: [the command line](command-line.md), the two starts of [`job/`](job.md),",
    "of which the first sends nothing, [`native/`](native.md), and a [check](checking.md), which registers nothing.",
)
_GROWTH = (
    "How a run grows with its work. DX and GitHub are servers on loopback: `s` has their time, too, `processor` only the action's.",
    "GitHub cuts lists of more than 100,000 files and folders, and then each folder that differs is a request.",
)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Write a Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)]


def start(results: Results) -> list[str]:
    """The whole processes beside each other, the slowest last."""
    rows = [_figures(each) for each in sorted(results["start"], key=lambda each: float(each["wall_ms"]))]
    return table(("from start to exit", "ms", "processor", "peak MiB"), rows)


def doors(results: Results) -> list[str]:
    """The other ways to start it, beside the docs' step."""
    rows = [
        (*_figures(each), f"{each['times_curl']:.2f}" if "times_curl" in each else "—") for each in results["doors"]
    ]
    return table(("in other ways, from start to exit", "ms", "processor", "peak MiB", "times curl + jq"), rows)


def targets(results: Results) -> list[str]:
    """What was aimed at."""
    rows = [
        (
            each["what"],
            each["measured"],
            each.get("processor", "—"),
            f"at most {each['most']}",
            "met" if each["met"] else "NOT MET",
        )
        for each in results["targets"]
    ]
    return table(("times as much", "start to exit", "processor time alone", "aim for the first", ""), rows)


def phases(results: Results) -> list[str]:
    """What a run's time goes into."""
    sets = results["phases"]
    parts = list(dict.fromkeys(part for found in sets.values() for part in found))
    rows = [(part, *(f"{found.get(part, 0):.1f}" for found in sets.values())) for part in parts]
    return table(("processor ms", *sets), rows)


def growth(results: Results) -> list[str]:
    """How the run of one deployment grows with its work."""
    return table(("one deployment", *_GROWN), map(_grown, results["growth"]))


def histories(results: Results) -> list[str]:
    """How a run about the past grows with it, and a check with what it looks at."""
    return table(("histories and checks", *_GROWN), map(_grown, results["histories"]))


def backfill(results: Results) -> list[str]:
    """How fast history is sent."""
    rows = [
        (
            each["what"],
            f"{each['rows']:,}",
            f"{each['rows_a_second']:.0f}",
            f"{each['cpu_ms_a_row']:.2f}",
            f"{each['memory_mib']:.0f}",
        )
        for each in results["backfill"]
    ]
    return table(("backfill, the server taking 20 ms", "rows", "rows a second", "processor ms a row", "peak MiB"), rows)


def faults(results: Results) -> list[str]:
    """What everyone does when the other side misbehaves."""
    found = {(each["case"], each["who"]): each for each in results["faults"]}
    who = list(dict.fromkeys(each["who"] for each in results["faults"]))
    cases = dict.fromkeys(each["case"] for each in results["faults"])
    rows = [(case, *(_fault(found[case, each]) for each in who)) for case in cases]
    return table(("what the server does", *(WHO[each] for each in who)), rows)


def _figures(found: Mapping[str, Any]) -> tuple[str, ...]:
    return (found["label"], f"{found['wall_ms']:.0f}", f"{found['cpu_ms']:.0f}", f"{found['memory_mib']:.0f}")


_GROWN = ("s", "processor", "peak MiB", "requests to GitHub")


def _grown(found: Mapping[str, Any]) -> tuple[object, ...]:
    took = f"{found['wall_ms'] / 1000:.2f}", f"{found['cpu_ms'] / 1000:.2f}", f"{found['memory_mib']:.0f}"
    return (f"{found['what']}: {found['count']:,}", *took, found.get("github_requests", "—"))


def _fault(found: Mapping[str, Any]) -> str:
    code, requests = found["exit_code"], found["requests"]
    told = "stopped" if code is None else f"exit {code}"
    asked = "" if requests is None else f", {requests} request{'' if requests == 1 else 's'}"
    words = found["verdict"] if found["verdict"] == "right" else f"**{found['verdict']}**"
    return f"{words}: {told}{asked}, {found['seconds']:.1f} s, {found['held']} held"


def conditions(results: Results) -> str:
    """Where and how it was measured."""
    machine = results["machine"]
    tools = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"Medians of {machine['rounds']} rounds in turns, over TLS to one server on loopback, on {machine['cores']} cores; "
        f"load average {machine['load']}. {tools}."
    )


TABLES = {
    "start": start,
    "doors": doors,
    "targets": targets,
    "phases": phases,
    "growth": growth,
    "histories": histories,
    "backfill": backfill,
    "faults": faults,
}


def printed(results: Results) -> str:
    """Everything, as the command prints it."""
    parts = [[conditions(results)], *(lines(results) for name, lines in TABLES.items() if results[name])]
    if results["containers"]:
        rows = [(name, f"{value:.0f}") for name, value in results["containers"].items()]
        parts.append(table(("a container that does nothing", "ms"), rows))
    parts.append([f"NOT RUN: {line}" for line in results["not_run"]])
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def page(results: Results) -> str:
    """The part of docs/benchmarks.md between the markers, markers included."""
    parts: list[Sequence[str]] = [
        [BEGIN],
        ["![One deployment registered, from start to exit](../.github/pictures/bench.svg)"],
        [fill(conditions(results), 128)],
        start(results),
        *([_DOORS, doors(results)] if results["doors"] else []),
        [
            "What each does when the server misbehaves. Every reporter gets the same answers, at its own address.",
            "`ok` is specific to DX: reporters of other services do not have to check it.",
            "*Held* counts the deployments that the server has afterwards.",
        ],
        faults(results),
        ["<details><summary>What the time goes into, and how it grows</summary>"],
        phases(results),
        _GROWTH,
        *(TABLES[name](results) for name in ("growth", "histories", "backfill") if results[name]),
        ["</details>"],
        *([f"NOT RUN: {line}"] for line in results["not_run"]),
        [END],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts)


def within(text: str, part: str) -> str:
    """Replace what is between the markers of a text. Raises ValueError unless each marker is there exactly once."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError("the markers must be there exactly once")
    return text[: text.index(BEGIN)] + part + text[text.index(END) + len(END) :]
