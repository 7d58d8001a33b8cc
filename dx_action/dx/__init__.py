"""Sends calls to DX: attempts, retries, conflicts, lanes, pace, and the file of what failed."""
