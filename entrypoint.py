"""The container's entrypoint."""

import sys
from pathlib import Path

# An isolated interpreter (-I) leaves out the script's own folder, which in a checkout holds the package.
sys.path.append(str(Path(__file__).resolve().parent))

if __name__ == "__main__":
    try:
        from dx_action.main import start
    except KeyboardInterrupt:
        sys.exit("The job was cancelled before anything was sent to DX.")
    sys.exit(start())
