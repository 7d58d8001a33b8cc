"""A stand-in for the DX Data Cloud API on loopback, for tests, the demo and dry runs.

Imports run one way: fields ← checks, attribution ← crediting; these, mask ← store; checks ← faults, journal; these ←
listener ← control ← handler ← server ← __main__. certificate joins at server, only for TLS. The action never
imports this package, and this package imports nothing of the action's.
"""

from dx_action.sandbox.attribution import MergedPullRequest
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
