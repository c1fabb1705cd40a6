"""What PCI passthrough reads and refuses: keys, values, exceptions, wordings, matching."""

from __future__ import annotations

from gpucloud.nova.releases.fact import fact
from gpucloud.nova.releases.properties import image_properties

_SPEC_13 = ("vendor_id", "product_id", "address", "devname", "physical_network")
_SPEC_18 = (*_SPEC_13, "trusted")
_SPEC_25 = (*_SPEC_18, "remote_managed")
_SPEC_26 = (*_SPEC_25, "resource_class", "traits")
_SPEC_31 = (*_SPEC_26, "managed", "live_migratable")
_ALIAS_13 = ("name", "capability_type", "product_id", "vendor_id", "device_type")
_ALIAS_17 = (*_ALIAS_13, "numa_policy")
_ALIAS_27 = (*_ALIAS_17, "resource_class", "traits")
_POLICIES = ("required", "legacy", "preferred")

DEVICE_SPEC_KEYS = fact(
    "keys of a device_spec that mean something; any other is taken without a word as a tag of the pool",
    _SPEC_13,
    ("18.0.0", _SPEC_18),
    ("25.0.0", _SPEC_25),
    ("26.0.0", _SPEC_26),
    ("31.0.0", _SPEC_31),
    ("32.0.0", (*_SPEC_31, "one_time_use")),
    source="nova/pci/devspec.py, nova/pci/request.py, nova/compute/pci_placement_translator.py",
)
ALIAS_KEYS = fact(
    "keys of an alias; any other is refused",
    _ALIAS_13,
    ("17.0.0", _ALIAS_17),
    ("27.0.0", _ALIAS_27),
    ("31.0.0", (*_ALIAS_27, "live_migratable")),
    source="nova/pci/request.py: _ALIAS_SCHEMA",
)
NUMA_POLICIES = fact(
    "values of an alias's numa_policy",
    (),
    ("17.0.0", _POLICIES),
    ("23.0.0", (*_POLICIES, "socket")),
    source="nova/objects/fields.py: PCINUMAAffinityPolicy",
)
FLAVOR_NUMA_POLICIES = fact(
    "values of hw:pci_numa_affinity_policy (flavor) and hw_pci_numa_affinity_policy (image)",
    *image_properties().values_of("hw_pci_numa_affinity_policy"),
    source="nova/objects/fields.py: PCINUMAAffinityPolicy",
)
STRICT_BOOLEANS = fact(
    "keys of a device_spec that must be a yes or a no",
    (),
    ("31.0.0", ("managed", "live_migratable")),
    ("32.0.0", ("managed", "live_migratable", "one_time_use")),
    source="nova/pci/devspec.py: _normalize_device_spec_tag",
)
REMOTE_MANAGED = fact(
    "remote_managed is understood, and a physical function with it is refused",
    False,
    ("25.0.0", True),
    source="nova/pci/devspec.py: _init_dev_details",
)
INVALID_SPEC = fact(
    "exception for a bad device_spec, and how its message begins",
    ("PciConfigInvalidWhitelist", "Invalid PCI devices Whitelist config "),
    ("17.0.0", ("PciConfigInvalidWhitelist", "Invalid PCI devices Whitelist config: ")),
    ("26.0.0", ("PciConfigInvalidSpec", "Invalid [pci]device_spec config: ")),
    source="nova/exception.py",
)
HEX_FIELDS = fact(
    "how ids and address fields are read: as a Python literal after 0x, as a number with short messages, "
    "or as a number with long ones",
    "literal",
    ("15.0.0", "short"),
    ("17.0.0", "long"),
    source="nova/pci/devspec.py: get_pci_dev_info, _set_pci_dev_info",
)
REGEX_ADDRESS = fact(
    "an address may be an object of regular expressions (each matches a prefix)",
    False,
    ("15.0.0", True),
    source="nova/pci/devspec.py: PciAddressRegexSpec",
)
DEVNAME_READ = fact(
    "when a devname is looked up: once while nova.conf is read (a missing interface is refused), "
    "at every match, or both",
    "parse",
    ("14.0.0", "match"),
    ("25.0.0", "both"),
    source="nova/pci/devspec.py",
)
PF_MATCHES_ITSELF = fact(
    "the full address of a physical function matches that function and its VFs, not its VFs alone",
    False,
    ("14.0.3", True),
    source="nova/pci/devspec.py: PciAddress.match, WhitelistPciAddress.match",
)
ALIAS_NAME_STRIPPED = fact(
    "blanks around an alias's name are dropped",
    False,
    ("14.0.3", True),
    source="nova/pci/request.py: get_alias_from_config",
)
ALIAS_SCHEMA_DUMP = fact(
    "an alias that breaks the schema is refused with the schema validator's whole text, not its first line",
    True,
    ("17.0.0", False),
    source="nova/pci/request.py: get_alias_from_config",
)
ALIAS_NEEDS_IDS = fact(
    "an alias must have vendor_id and product_id (or resource_class with pci_in_placement); before, one "
    "without matched every device but physical functions",
    False,
    ("32.0.0 31.3.1", True),
    source="nova/pci/request.py: _validate_aliases",
)
ALIAS_READ_AT_START = fact(
    "services that read the aliases when they start, and do not start with a bad one",
    (),
    ("32.0.0 31.3.1", ("api", "compute")),
    source="nova/api/openstack/wsgi_app.py, nova/compute/manager.py: init_host",
)
SPEC_READ_AT_START = fact(
    "services that read the devices a host offers when they start, and do not start with a bad list; the "
    "scheduler falls over one with each request",
    (),
    ("14.0.0", ("compute",)),
    ("15.0.0", ("api", "compute", "conductor")),
    source="nova/compute/manager.py: init_host, nova/network/neutron.py: API.__init__",
)
MATCH_IGNORES_CASE = fact(
    "ids of an alias in upper case match; before, they match nothing",
    False,
    ("18.0.0", True),
    source="nova/pci/utils.py: pci_device_prop_match",
)
VDPA = fact(
    "vdpa devices are a type of their own, which no alias can ask for",
    False,
    ("23.0.0", True),
    source="nova/pci/stats.py: _filter_pools_for_unrequested_vdpa_devices",
)
POOL_FOR_EACH_DEVICE = fact(
    "each physical function or plain device has its own pool, and its VFs one; resource_class and traits "
    "do not part pools",
    False,
    ("27.0.0", True),
    source="nova/pci/stats.py: _create_pool_keys_from_dev",
)
REQUESTS_COUNT_TOGETHER = fact(
    "a host passes the scheduler only if it has enough for all aliases of a flavor together; where not, each "
    "is counted alone, and nova-compute refuses later",
    True,
    ("23.0.0", False),
    ("26.0.0", True),
    source="nova/pci/stats.py: support_requests; LP 1986838",
)
NOTHING_IS_REFUSED = fact(
    "a flavor that asks for 0 of an alias still needs a device that matches",
    False,
    ("23.0.0", True),
    source="nova/pci/stats.py: _apply_request",
)
WIDE_DOMAIN = fact(
    "what a PCI domain above ffff does on the host: nothing (the address does not fit the database), stops "
    "nova-compute, or the device is left out",
    "nothing",
    ("15.0.0", "stops"),
    ("23.0.0 22.2.2 21.2.2", "skipped"),
    source="nova/pci/manager.py, nova/virt/libvirt/driver.py",
)
LIVE_MIGRATABLE_TRAIT = fact(
    "live_migratable becomes the trait HW_PCI_LIVE_MIGRATABLE in Placement",
    False,
    ("34.0.0", True),
    source="nova/compute/pci_placement_translator.py: _get_traits_for_dev",
)
ONE_TIME_USE = fact(
    "one_time_use keeps a device out of reach after its first guest, until an operator lets it back; VFs may "
    "not have the key at all",
    False,
    ("32.0.0", True),
    source="nova/compute/pci_placement_translator.py: _handle_one_time_use",
)
OWNER_TRAIT = fact(
    "providers that nova makes carry the trait OWNER_NOVA",
    False,
    ("34.0.0", True),
    source="nova/compute/pci_placement_translator.py",
)
DEVICES_LISTED_ONCE = fact(
    "nova-compute lists the host's PCI devices once: what changes later is seen after its restart",
    False,
    ("34.0.0", True),
    source="nova/virt/libvirt/driver.py: _get_pci_passthrough_devices; commit 92994945ab",
)
ALIASES_COUNT_FOR_LIMITS = fact(
    "unified limits count devices that an alias asks for (with pci_in_placement)",
    False,
    ("34.0.0", True),
    source="nova/limit/placement.py; LP 2140631",
)
UNREGISTERED_IS_ZERO = fact(
    "unified limits take a resource class without a registered limit for 0; where not, those of "
    "[quota]unified_limits_resource_list alone need one",
    False,
    ("25.0.0", True),
    ("31.0.0", False),
    source="nova/limit/placement.py, nova/conf/quota.py",
)
FLAVOR_ALIAS_VALIDATED = fact(
    "the API (microversion 2.86) refuses a pci_passthrough:alias that is not NAME:COUNT[,NAME:COUNT...]",
    False,
    ("21.0.0", True),
    source="nova/api/validation/extra_specs/pci_passthrough.py",
)
