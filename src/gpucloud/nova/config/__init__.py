"""nova.conf as nova's own library for it (oslo.config) reads it: several files, in order, added up.

* ``ini``: one file into settings with their lines, or the reason why no service of nova starts with it.
* ``merge``: what an option is, by all of its names, over all files.
"""

from gpucloud.nova.config.ini import ConfigFile, ParseError, Setting, read_config_file
from gpucloud.nova.config.merge import Configuration

__all__ = ["ConfigFile", "Configuration", "ParseError", "Setting", "read_config_file"]
