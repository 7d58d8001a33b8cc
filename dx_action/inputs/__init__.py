"""What the workflow's author wrote: parses and checks the action's inputs, and reports every problem at once. Pure."""
