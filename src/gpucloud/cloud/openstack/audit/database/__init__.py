"""The database of one cell of nova: where it is, whether its tables are known, what they hold."""
