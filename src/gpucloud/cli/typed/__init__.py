"""The line as it is typed: what the shell offers for it, and what is wrong with it."""
