"""What a run says about itself: log, annotations, outputs, summary, exit code. Pure."""
