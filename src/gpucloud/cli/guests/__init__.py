"""Guests here, or in a cloud: launched, listed, shown, extended, reaped, destroyed; and their console."""
