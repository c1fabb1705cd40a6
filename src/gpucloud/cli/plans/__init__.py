"""Verbs that make a host ready and give it back: plan, apply, verify, undo, confirm, boot."""
