"""The pages of the repository's own workflow jobs, with those from when it had another name."""

import re

from dx_action.github.client import Repository
from dx_action.github.deployments import current_name

# Each costs a call, and a history names few other repositories: those whose workflows deploy this one.
MOST_NAMES = 5


class OwnJobs:
    """The jobs of one repository. `more`: there were other names, which GitHub was not asked about."""

    def __init__(self, repository: Repository, server_url: str) -> None:
        self._repository = repository
        job = r"(?:actions/runs/\d+/jobs?/\d+|runs/\d+)(?![^/?#])"
        self._job = re.compile(rf"{re.escape(server_url)}/([^/?#]+/[^/?#]+)/{job}", re.IGNORECASE)
        self._names: dict[str, str | None] = {}
        self.more = False

    def has(self, page: str, repository: str) -> bool:
        """Tell whether the page is that of a job of `repository`, as GitHub names it today. Raises LookupFailedError."""
        match = self._job.match(page)
        if match is None:
            return False
        name, own = match[1].casefold(), repository.casefold()
        return name in (own, self._repository.name.casefold()) or self._today(name) == own

    def _today(self, name: str) -> str | None:
        if name not in self._names:
            if len(self._names) >= MOST_NAMES:
                self.more = True
                return None
            today = current_name(self._repository, name)
            self._names[name] = today and today.casefold()
        return self._names[name]
