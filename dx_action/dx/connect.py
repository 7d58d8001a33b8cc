"""The connection to DX: whom it trusts, which proxy it takes. What it needs is imported here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from dx_action.dx.delivery import Transport
from dx_action.errors import BadInput
from dx_action.inputs.model import Inputs, missing_connection
from dx_action.runner.runtime import Clock
from dx_action.runner.workspace import Workspace


class Running(Protocol):
    """What the connection needs of a run: its workspace, a way to a file of the repository, and a wire for tests."""

    workspace: Workspace
    wire: Callable[..., Transport] | None

    @property
    def fetch(self) -> Callable[[str], bytes | None]:
        """Give a file of the repository."""


def connection(
    run: Running, inputs: Inputs, env: Mapping[str, str], clock: Clock, lanes: int
) -> tuple[Transport, tuple[str, ...]]:
    """Prepare the connection for so many lanes, and give the warnings about it. Raises BadInput.

    What it needs is imported only here: a step that is skipped, or rehearsed, needs none.
    """
    from dx_action.dx.client import Dx  # noqa: PLC0415
    from dx_action.runner.network import proxies, tls_context  # noqa: PLC0415

    host, token = inputs.dx_host, inputs.dx_token
    if host is None or token is None:
        raise BadInput(*missing_connection(inputs))
    pem = _pem(run, inputs.ca_bundle) if inputs.ca_bundle else None
    tls, warnings = tls_context(env, pem) if host.base.startswith("https:") else (None, ())
    return (run.wire or Dx)(
        host,
        token,
        context=tls,
        proxies={} if host.loopback else proxies(env, host.base),
        monotonic=clock.monotonic,
        connections=lanes,
    ), warnings


def _pem(run: Running, path: str) -> bytes:
    """Read the CAs from the workspace, else from the repository. Raises BadInput, and what `fetch` raises."""
    from dx_action.runner.network import read_ca_bundle  # noqa: PLC0415

    found = read_ca_bundle(path, run.workspace)
    found = run.fetch(path) if found is None else found
    if found is None:
        text = "names a file that is neither in the workspace nor in the deployed commit. Check its path."
        raise BadInput.of("ca-bundle", text)
    return found
