"""What a host is asked for, gathered where it runs: here, or over ssh by a script sent along.

One list of paths (``capture.allowlist``) drives all collectors; all of them print one simple stream
(``wire``) that becomes a capture in memory.
"""
