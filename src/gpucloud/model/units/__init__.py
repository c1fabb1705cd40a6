"""GPU units that a user names, and what may be one though it cannot be told."""
