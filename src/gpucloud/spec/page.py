"""The reference page of ``gpucloud.yaml``, made from the schema."""

from __future__ import annotations

from collections.abc import Iterator

from gpucloud.spec.kinds import Key, Many, Named, Record
from gpucloud.spec.schema import SPEC

EXAMPLE = """\
openstack:
  release: "2025.1"
  layout: kolla-ansible

host_groups:
  rack-a: ["gpu0[1-8]"]

pools:
  a100:
    use: passthrough
    hosts: rack-a
    match:
      model: "A100*"
    nova:
      resource_class: CUSTOM_A100
      numa_policy: preferred
  desktops:
    use: vgpu
    match:
      - ids: 10de:2235
    vgpu_types:
      - type: nvidia-558
        max_instances: 4
  containers:
    use: host
    match:
      - address: ["0000:b1:00.0", "0000:b2:*"]

publish:
  flavors:
    cpu.small: {vcpus: 2, ram_mib: 4096, disk_gib: 20}
    a100.1:
      vcpus: 16
      ram_mib: 131072
      disk_gib: 200
      gpus: {a100: 1}
      projects: [research]
  quotas:
    default: {servers: 10, vcpus: 40}
  images:
    ubuntu-24.04: {gpu: true}
  aggregates:
    gpu: {hosts: rack-a, traits: CUSTOM_GPU_HOST}
"""

_HEAD = """\
# gpucloud.yaml

What you want of your hosts, in one file: `gpucloud plan --spec gpucloud.yaml`. Made from the schema that
reads it.

Values are taken as they are written: a release such as 2025.10 needs no quotes. Unknown keys, keys that are
there twice, anchors, aliases and tags are refused with their line. Patterns are a shell's: `*`, `?`, `[1-8]`.
A card that two pools match is an error; a card that none matches is left as it is.

```yaml
"""


def render_page() -> str:
    """The whole page."""
    tables = "\n".join(_table(record) for record in dict.fromkeys(_records(SPEC)))
    return f"{_HEAD}{EXAMPLE}```\n\n{tables}"


def _records(kind: object) -> Iterator[Record[object]]:
    if isinstance(kind, Many | Named):
        yield from _records(kind.kind)
    if isinstance(kind, Record):
        yield kind
        for key in kind.keys:
            yield from _records(key.kind)


def _table(record: Record[object]) -> str:
    title = "The whole file" if record is SPEC else record.title
    lines = [f"## {title}", "", "| key | value | what it means |", "|---|---|---|", *map(_row, record.keys)]
    return "\n".join(lines) + "\n"


def _row(key: Key) -> str:
    needed = " **needed**" if key.is_required else ""
    return f"| `{key.name}`{needed} | {key.kind.wants} | {key.about} |"
