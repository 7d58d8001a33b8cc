"""What a run says about itself: log lines, annotations, outputs, summary and exit code. Pure."""
