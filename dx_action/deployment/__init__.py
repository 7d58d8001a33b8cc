"""Decides what is registered, and builds the calls: event and inputs in, calls out. Pure."""
