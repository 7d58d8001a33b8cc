"""The process around a run: it notes a cancel from its first moment on, sets the interpreter for a short life, and exits."""

# What is within `signal`, which is slow to import: a job may be cancelled from the first moment on.
from _signal import SIG_IGN, SIGINT, SIGTERM, signal  # type: ignore[import-not-found]

_SIGNALS, _cancels = (SIGINT, SIGTERM), list[int]()


def note(number: int, _frame: object) -> None:
    """Remember that the job is cancelled, and let the imports end: `main` looks, and stops what runs from there on."""
    _cancels.append(number)


for each in _SIGNALS:
    signal(each, note)

import gc  # noqa: E402

# What a plain run makes stays below this: it ends before a collection could pay. A long one still collects.
gc.set_threshold(100_000)

try:  # noqa: SIM105 - contextlib is in it; the image alone has it, and its build makes it
    import dx_action.bundle  # type: ignore[import-not-found]  # noqa: F401
except ModuleNotFoundError:
    pass

import os  # noqa: E402
import sys  # noqa: E402
import warnings  # noqa: E402
from typing import TYPE_CHECKING, NoReturn  # noqa: E402

if TYPE_CHECKING:
    from dx_action.inputs.job import Stage

# pydantic would read the metadata of every installed package, in search of plugins that this environment does not have.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
# pydantic imports zoneinfo, which would ask the interpreter's whole build configuration where time zones lie. All times are in UTC.
os.environ["PYTHONTZPATH"] = ""
# The image leaves out what guesses a text's encoding: DX and GitHub send UTF-8. requests would warn of that in every log.
warnings.filterwarnings("ignore", "Unable to find acceptable character detection")


def run(stage: "Stage" = "step") -> NoReturn:
    """Run the step, or a stage of `job/`, and end the process. Whatever a cancelled job cut short, its outputs are written.

    Outside of GitHub Actions, the arguments say what to do.
    """
    of_a_workflow = stage != "step" or os.environ.get("GITHUB_ACTIONS") == "true"
    if of_a_workflow or (os.environ.get("GITHUB_EVENT_NAME") and not sys.argv[1:]):
        from dx_action.main import start  # noqa: PLC0415 - once a cancel can be reported

        code = start(lambda: bool(_cancels), stage)
    else:
        from dx_action.command_line import start as command  # noqa: PLC0415

        code = command(lambda: bool(_cancels))
    for each in _SIGNALS:  # the report is published: a signal must not change the exit code any more
        signal(each, SIG_IGN)
    os._exit(code)  # everything is written, and a regular exit would only free each object
