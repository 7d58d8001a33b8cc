"""What each example is promised to send, by its name."""

from example_cases import changes, deployments, past
from examples import Case

CASES: dict[str, list[Case]] = past.CASES | changes.CASES | deployments.CASES
