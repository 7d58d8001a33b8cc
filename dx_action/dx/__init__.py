"""The conversation with DX: attempts, answers, retries, lanes."""
