"""Registers past deployments, from GitHub's history or from a file."""
