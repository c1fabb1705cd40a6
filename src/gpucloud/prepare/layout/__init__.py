"""Layouts of cards as plans of the journal: how each is planned, and who uses what one has made."""
