"""The container's entrypoint."""

import gc
import os
import signal
import sys
import warnings
from pathlib import Path
from types import FrameType

# What a plain run makes stays below this: it ends before a collection could pay. A long one still collects.
gc.set_threshold(100_000)
# pydantic would read the metadata of every installed package, in search of plugins that this environment does not have.
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
# The image leaves out what guesses a text's encoding: DX and GitHub speak UTF-8. requests would warn of that in every log.
warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
# An isolated interpreter (-I) leaves out the script's own folder, which in a checkout holds the package.
sys.path.append(str(Path(__file__).resolve().parent))


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Stop what runs. As the container's first process, Python ignores SIGTERM otherwise."""
    raise KeyboardInterrupt


def run() -> int:
    """Run the step. Whatever a cancelled job cut short, its outputs are written."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        signal.signal(number, interrupt)
    try:
        from dx_action.main import start  # noqa: PLC0415 - once a cancel can be told

        return start()
    except KeyboardInterrupt:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        from dx_action.main import start  # noqa: PLC0415

        return start(cancelled=True)


if __name__ == "__main__":
    code = run()
    gc.freeze()  # else the interpreter looks at every object once more before it ends
    sys.exit(code)
