"""``[pci]alias`` as a release of nova reads it, and what a flavor asks for by alias.

``parse_aliases`` gives aliases by name, or nova's refusal; ``parse_flavor`` gives a flavor's requests.
Rules follow ``nova/pci/request.py`` at each release.
"""

from gpucloud.nova.alias.flavor import PciRequest, parse_flavor
from gpucloud.nova.alias.parse import Alias, parse_aliases

__all__ = ["Alias", "PciRequest", "parse_aliases", "parse_flavor"]
