"""A stand-in for the DX Data Cloud API on loopback, for tests, the demo and dry runs.

The map, imports running one way: fields ← checks, crediting; these, mask ← store; checks ← faults, journal; these ←
listener ← control ← handler ← server ← __main__. certificate joins at server, only where TLS is asked for.
Of what is outside this folder only dx_action.attribution is imported, the pure rules by which pull requests are credited, so that
the stand-in and the action cannot disagree; and nothing that the action needs at work imports this folder.
"""

from dx_action.attribution import MergedPullRequest
from dx_action.sandbox.checks import METHODS
from dx_action.sandbox.crediting import PullRequestError, parse_pull_requests
from dx_action.sandbox.faults import Fault, FaultError, Script, parse_faults
from dx_action.sandbox.server import Sandbox
from dx_action.sandbox.store import Store

__all__ = [
    "METHODS",
    "Fault",
    "FaultError",
    "MergedPullRequest",
    "PullRequestError",
    "Sandbox",
    "Script",
    "Store",
    "parse_faults",
    "parse_pull_requests",
]
