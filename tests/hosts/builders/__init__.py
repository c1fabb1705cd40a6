"""Hosts that nobody could lend us, written down from documentation and listings: one function each."""
