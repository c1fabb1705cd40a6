"""``plan``, ``apply`` and ``verify`` with ``--hosts``, and the collection for playbooks of one's own."""
