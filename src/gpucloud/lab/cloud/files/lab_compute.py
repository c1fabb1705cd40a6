"""nova-compute that finds the laboratory's driver: nova loads drivers out of its own package only.

Source: ``load_compute_driver`` of nova/virt/driver.py.
"""

from __future__ import annotations

from pathlib import Path

from nova.cmd.compute import main  # type: ignore[import-not-found] # first: it patches what others import

if __name__ == "__main__":
    import nova.virt  # type: ignore[import-not-found]

    nova.virt.__path__.append(str(Path(__file__).parent))
    main()
