"""What can be wrong: one function for each thing, by subject; ``catalogue`` has all of them."""
