#!/opt/dx/bin/python -IuB
"""The container's entrypoint: Kubernetes runners start it by its first line, in which -I leaves out the job's PYTHON variables."""

import os
import sys

# An isolated interpreter leaves out the script's own folder, which in a checkout holds the package.
sys.path.append(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120 - pathlib is slow, and signals are not noted yet

from dx_action.process import run

if __name__ == "__main__":
    run()
