"""What the runner hands to the step and takes from it: variables, event, workspace, log, outputs."""
