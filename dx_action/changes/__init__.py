"""The changes that a deployment brings: since which previous one, which pull requests, lead time. Pure."""
