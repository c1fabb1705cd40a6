"""What the real tools that keep kernel arguments do to a host's files, recorded, and who records it."""
