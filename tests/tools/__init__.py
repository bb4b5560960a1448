"""The small programs."""
