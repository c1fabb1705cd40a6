"""Tar and zip archives that nobody vouches for: a path in, a host's files in memory out, or a Failure."""
