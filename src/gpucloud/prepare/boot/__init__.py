"""How a host starts: a `Spec` and a `Host` with its boot files into a `Plan` of files and tools.

Pure but for ``read``. Distributions differ in rows of tables: ``families`` (which loader and tool),
``loaders`` (where kernel arguments stand), ``initramfs`` (how a script gets into it). Everything written
names its owner and the way back.
"""

from gpucloud.prepare.boot.plan import plan_boot
from gpucloud.prepare.boot.read import read_boot_files

__all__ = ["plan_boot", "read_boot_files"]
