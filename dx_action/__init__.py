"""Registers deployments in DX."""

__version__ = "0.1.0"
