"""Properties of flavors and images, judged for a release: read, passed over without a word, or refused.

* ``flavor``: keys of flavors (``pci_passthrough:alias``, ``resources:``, ``trait:``, ``hw:``...).
* ``early``: keys of flavors before there were validators.
* ``image``: properties of images (``hw_*``, ``img_*``, ``os_*``).
* ``together``: what the two need of each other.

Rules follow ``nova/api/validation/extra_specs/``, ``nova/objects/image_meta.py`` and ``fields.py``.
"""

from gpucloud.nova.properties.flavor import judge_flavor
from gpucloud.nova.properties.image import judge_image
from gpucloud.nova.properties.together import judge_together
from gpucloud.nova.properties.verdict import Judged, Verdict

__all__ = ["Judged", "Verdict", "judge_flavor", "judge_image", "judge_together"]
