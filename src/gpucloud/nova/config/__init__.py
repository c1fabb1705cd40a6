"""nova.conf as nova's own library for it (oslo.config) reads it: several files, in order, added up.

* ``ini``: one file into settings with their lines, or the reason why no service of nova starts with it.
* ``merge``: what an option is, by all of its names, over all files.
* ``value``: an option's text into its value, and ``$name`` into what it stands for.
"""

from gpucloud.nova.config.ini import ConfigFile, ParseError, Setting, Unusable, read_config_file
from gpucloud.nova.config.merge import Configuration, normal_section, replaced_by_kolla
from gpucloud.nova.config.value import read_list, read_value, substitute

__all__ = [
    "ConfigFile",
    "Configuration",
    "ParseError",
    "Setting",
    "Unusable",
    "normal_section",
    "read_config_file",
    "read_list",
    "read_value",
    "replaced_by_kolla",
    "substitute",
]
