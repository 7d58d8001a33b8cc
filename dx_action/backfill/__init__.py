"""Registering past deployments from GitHub's history or a file."""
