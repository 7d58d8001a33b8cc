#!/opt/dx/bin/python -IuB
"""What `runs.post-entrypoint` of `job/` starts, after the job's last step: what became of the job is registered."""

import os
import sys

# In a checkout, the package is beside this file's folder.
sys.path.append(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))  # noqa: PTH120 - pathlib is slow, and signals are not noted yet

from dx_action.process import run

if __name__ == "__main__":
    run("end")
