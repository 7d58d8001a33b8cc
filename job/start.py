#!/opt/dx/bin/python -IuB
"""What `runs.entrypoint` of `job/` starts, before the job deploys: inputs and event are checked, and nothing is sent."""

import os
import sys

# In a checkout, the package is beside this file's folder.
sys.path.append(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))  # noqa: PTH120 - pathlib is slow, and signals are not noted yet

from dx_action.process import run

if __name__ == "__main__":
    run("start")
