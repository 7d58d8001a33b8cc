"""The look-ups at GitHub; the only package that imports PyGithub."""
