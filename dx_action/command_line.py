"""The command line: arguments instead of a workflow, and plain text instead of the runner's commands and files."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from dx_action import __version__
from dx_action.inputs.arguments import as_flags, parse_arguments, passed_over
from dx_action.main import new_step, real_clock, run, writable
from dx_action.report.outputs import LISTS
from dx_action.runner.console import Console, Terminal
from dx_action.runner.runtime import Clock, known_secrets

if TYPE_CHECKING:
    from dx_action.dx.delivery import Transport

# Longer lines are hard to read.
_WIDEST_HELP = 100
# Of a terminal that does not say how wide it is.
_USUAL = 80


class Shell(NamedTuple):
    """What a command runs in. `folder` is the current one, in which the files are that inputs name."""

    env: Mapping[str, str]
    folder: str
    stdout: TextIO
    stderr: TextIO


def command(
    argv: Sequence[str],
    shell: Shell,
    clock: Clock,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    wire: "Callable[..., Transport] | None" = None,
) -> int:
    """Do what the arguments say, and return the exit code: 0 or 1."""
    env, folder, stdout, stderr = shell
    arguments = parse_arguments(argv)
    if arguments.shows:
        return _show(arguments.shows, shell)
    if not argv:
        _show("", shell._replace(stdout=stderr))
        return 1
    log = stderr if arguments.json else stdout
    variables = arguments.variables(env, folder)
    console = Console(
        log,
        known_secrets(variables, arguments.refused),
        terminal_of(log, env),
        as_flags,
        debugging=env.get("RUNNER_DEBUG") == "1",
        outputs=stdout if arguments.json else None,
        lists=LISTS,
    )
    step = new_step(variables, clock, console, arguments=arguments, wire=wire)
    step.warnings += passed_over(env)
    return run(step, cancelled=cancelled)


def _show(what: str, shell: Shell) -> int:
    """Show the help, the version, or how a command is written, and return the exit code. Who closes a pipe has read enough."""
    try:
        shell.stdout.write(f"{_shown(what, terminal_of(shell.stdout, shell.env))}\n")
        shell.stdout.flush()
    except BrokenPipeError:
        return 0
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            shell.stderr.write("error: the standard output cannot be written: it is full or closed.\n")
        return 1
    return 0


def _shown(what: str, terminal: Terminal) -> str:
    if what == "version":
        return f"DX deployment action {__version__}"
    from dx_action.inputs.help import USAGE, help_text  # noqa: PLC0415 - a run shows none

    return help_text(min(terminal.width or _WIDEST_HELP, _WIDEST_HELP)) if what == "help" else USAGE


def start(cancelled: Callable[[], bool]) -> int:
    """Run with the real arguments, environment, clock and terminal. `cancelled` returns whether a signal has come until now."""
    with writable(sys.stdout) as stdout, writable(sys.stderr) as stderr:
        return command(sys.argv[1:], Shell(os.environ, _here(), stdout, stderr), real_clock(), cancelled=cancelled)


def terminal_of(log: TextIO, env: Mapping[str, str]) -> Terminal:
    """Return what the log is shown on. https://no-color.org: the variable counts if it is not empty."""
    if log.closed or not log.isatty():
        return Terminal()
    columns, draws = env.get("COLUMNS", ""), env.get("TERM", "") not in ("", "dumb")
    width = int(columns) if columns.isdecimal() and len(columns) < 6 else os.get_terminal_size(log.fileno()).columns
    return Terminal(width or _USUAL, draws and not env.get("NO_COLOR"), draws)


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return ""
