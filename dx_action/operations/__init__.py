"""What a step can be asked to do, a module each."""
