"""A stand-in for the DX Data Cloud API on loopback, for tests, the demo and dry runs.

The map, imports running one way: fields ← checks; checks, mask ← store; checks ← faults, journal; these ←
listener ← control ← handler ← server ← __main__. certificate joins at server, only where TLS is asked for.
Nothing outside this folder is imported, and nothing that the action needs at work imports this folder.
"""

from dx_action.sandbox.checks import METHODS
from dx_action.sandbox.faults import Fault, FaultError, Script, parse_faults
from dx_action.sandbox.server import Sandbox
from dx_action.sandbox.store import Store

__all__ = ["METHODS", "Fault", "FaultError", "Sandbox", "Script", "Store", "parse_faults"]
