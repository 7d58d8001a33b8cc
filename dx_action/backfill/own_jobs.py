"""Owns which pages are those of the repository's own workflow jobs, also of those from when it had another name."""

import re

from dx_action.github.client import Api, Missing
from dx_action.github.errors import Asker, LookupFailedError, shaped

# Each costs a call, and a history names few other repositories: those whose workflows deploy this one.
MOST_NAMES = 5
_PERMISSION = "deployments"
_QUERY = "query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { nameWithOwner } }"


class OwnJobs:
    """The jobs of one repository. `more`: there were other names, which GitHub was not asked about."""

    def __init__(self, api: Api, asker: Asker, server_url: str) -> None:
        self._api, self._asker = api, asker
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
        return name in (own, self._asker.repository.casefold()) or self._today(name) == own

    def _today(self, name: str) -> str | None:
        """Give a repository's name of today, which GitHub knows by its former ones; None where it says nothing of it."""
        if name not in self._names:
            if len(self._names) >= MOST_NAMES:
                self.more = True
                return None
            self._names[name] = self._asked(name)
        return self._names[name]

    def _asked(self, repository: str) -> str | None:
        owner, _, name = repository.partition("/")
        try:
            found = self._api.query(_QUERY, _PERMISSION, owner=owner, name=name).get("repository")
        except Missing:
            return None
        except LookupFailedError as error:
            if error.problems == self._asker.refused(403, "", _PERMISSION, limited=False).problems:
                return None  # another organization's, which does not want this token
            raise
        with shaped():
            return None if found is None else str(found["nameWithOwner"].casefold())
