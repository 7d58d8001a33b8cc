"""Reads from GitHub; the only package that imports PyGithub."""
