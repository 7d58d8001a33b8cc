"""The look-ups of a check: the permissions that a token has, and all files of a commit with what names their owners."""

from dx_action.deployment.permissions import Here, Permission
from dx_action.github.commits import CutError
from dx_action.github.errors import LookupFailedError
from dx_action.github.lookups import Lookups
from dx_action.services.backstage import Catalogs
from dx_action.services.service import Ownership

# The shortest list of each kind.
_LEAST: dict[Permission, str] = {"contents": "branches", "pull-requests": "pulls", "deployments": "deployments"}


class CheckLookups(Lookups):
    """The look-ups of one repository that a deployment makes, and those that only a check makes."""

    @property
    def here(self) -> Here:
        """Which of the files that inputs name are in the workspace."""
        given, workspace = self._inputs.service_map, self._run.workspace
        return Here(
            checkout=self._files.checked_out,
            service_map=isinstance(given, str) and workspace.has(given),
            ca_bundle=workspace.has(self._inputs.ca_bundle),
        )

    def try_reading(self, permission: Permission) -> None:
        """Read the least that needs the permission: one call. Raises LookupFailedError."""
        self._repository.get(_LEAST[permission], permission, list[object], per_page=1)

    def all_paths(self) -> frozenset[str]:
        """Return the path of every file at the commit. Raises LookupFailedError."""
        try:
            return self._files.paths()
        except CutError as error:
            raise LookupFailedError(f"lists no whole tree, because {error}.", "rejected") from None

    def whole_ownership(self, paths: frozenset[str]) -> Ownership:
        """Return the owners of these files, which are all that there are. Raises BadInput, LookupFailedError."""
        with self._bad_ownership():
            found = self._ownership
            if self._inputs.services_source == "backstage":
                found = Catalogs(lambda path: self._files.read(path) if path in paths else None)
            found.known(sorted(paths))
        return found
