"""A `model.Host` into findings: what stops a GPU from reaching a guest, with evidence and fix. Pure."""
