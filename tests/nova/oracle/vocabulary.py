"""Words of which cases are made: sane values, and those that nova refuses or falls over."""

from __future__ import annotations

from typing import Any

JUNK: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    4318,
    1.5,
    "",
    " ",
    "*",
    [],
    {},
    [1],
    {"a": 1},
    "é",
    "\uff11\uff10",
]
JUNK += ["\ud800", "a\nb", "%s", "{0}", "0x", "1_0", "+5", "-5", " 10de ", "10DE", "0x10de", "ffff", "10000"]
JUNK += [float("nan"), float("inf"), 10**30, "x" * 300, [[[[]]]], {"a": {"b": {"c": None}}}, "١٠٢٣"]
VENDORS = ["10de", "10DE", "0x10de", "15b3", "1002", "8086", "*", " 10de", "10de ", "110de", "10d", "ffff"]
PRODUCTS = ["1eb8", "1EB8", "25b6", "101d", "101e", "1e87", "740f", "*", "0x25b6", " 25b6", "10f8", "zzzz"]
FIELDS = [
    "*",
    "",
    "0",
    "00",
    "25",
    "3b",
    "81",
    "01",
    "1",
    "3B",
    "0*",
    "ff",
    "100",
    "1f",
    "20",
    "g",
    " 25 ",
    "-1",
]
DOMAINS = ["*", "", "0", "0000", "0001", "1", "ffff", "10000", "0x0", " "]
FUNCTIONS = ["*", "", "0", "1", "4", "7", "8", "0x1", " 1 ", ".1", "a"]
PATTERNS = [
    ".*",
    "25",
    "2",
    "^25$",
    "[0-9a-f]+",
    "[",
    "(",
    "0000",
    "0",
    "00",
    "1",
    "4",
    "(?i)3B",
    "3b|25",
    "",
    "*",
]
PATTERNS += ["(?P<a>2)", "\\d+", "2{1,", "x{99999999999}", "[[a]", "3B", "81", "0001"]
PATTERNS += ["^(0a|10|1b|3b|25|86|af|d8|18|17|31|4b|81|98|b1|ca)$", "^(?:3b|25|86|b1)$", "(3b|25)?"]
PATTERNS += ["([0-9a-f]){2}", "((2|5)+)+$", "(?:0?0?)*(?=.)?", "((0*)*)*1", "(?:(?:81)|25){1,3}?"]
TEXTS = ["yes", "no", "true", "false", "on", "off", "1", "0", "Y", " TRUE ", "maybe", "2", ""]
CLASSES = [
    "CUSTOM_GPU",
    "gpu",
    "pgpu",
    "VGPU",
    "custom_a b",
    "CUSTOM_a b",
    "a-b",
    "é",
    "A16",
    "",
    "CUSTOM_A16",
]
TRAITS = [
    "CUSTOM_BLUE",
    "blue, big",
    "blue,big",
    "HW_GPU_API_VULKAN",
    "hw_gpu_api_vulkan",
    "",
    ",",
    "a,a",
    " ",
]
NAMES = ["a1", "a1", "a2", " a1", "a1 ", "t4", "é", "a:b", "", " ", "x" * 256, "x" * 257]
TYPES = ["type-PCI", "type-PF", "type-VF", "type-VF", "type-PF", "vdpa", "PF", "type-pf", ""]
POLICIES = ["required", "legacy", "preferred", "socket", "strict", ""]
COUNTS = ["0", "1", "1", "1", "2", "3", "4", "9", "-1", "x", "", " 1", "1.0", "1_0", "1:2"]
SPEC_TAGS = [
    "physical_network",
    "trusted",
    "name",
    "address ",
    "manged",
    "dev_type",
    "count",
    "devices",
    "numa_node",
]
SPEC_TAGS += ["rp_uuid", "capability_type"]
NOT_JSON = [
    "",
    " ",
    "{",
    "}",
    "null",
    "1",
    '"x"',
    "[]",
    "[1]",
    "[null]",
    "[[]]",
    "[{}]",
    "[{}, 1]",
    "nan",
    "NaN",
]
NOT_JSON += [
    "{'vendor_id': '10de'}",
    '{"a": 1,}',
    "“”",
    "{“vendor_id”: “10de”}",
    "[" * 5000,
    "{}" * 2,
    "Infinity",
]
NOT_JSON += [
    '{"vendor_id": "10de", "vendor_id": "1002"}',
    "1" * 5000,
    "\ufeff{}",
    '{"a": "\\ud800"}',
    "[{}, {}]",
]
NOT_JSON += ['{\n "vendor_id": "10de",\n "product_id": "1eb8"}', "// x", '{"a": 1}}', "\x00", '{"a": "\t"}']
