"""What the workflow's author wrote: the action's inputs, parsed and checked. Pure."""
