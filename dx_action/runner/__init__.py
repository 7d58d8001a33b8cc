"""The Actions runner's side: its variables, the event, the workspace, log commands, the job's proxies and CAs."""
