"""What is registered: event and inputs in, a registration and its calls out. Pure."""
