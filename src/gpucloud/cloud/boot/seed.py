"""What cloud-init in an image is told: to print the guest's report on the serial console.

Source: cloud-init, "NoCloud": a file system labelled CIDATA with ``user-data`` and ``meta-data``;
"bootcmd" runs early on every boot, "runcmd" late on the first. Both files are YAML, and JSON is YAML.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

from gpucloud.cloud.boot.config import put_together
from gpucloud.cloud.report import REPORT_SCRIPT
from gpucloud.cloud.run.result import RUN_SCRIPT
from gpucloud.model.guest import GuestCommand

_NOT_PLAIN = re.compile(r"[^\n\x20-\x7e]")


def render_user_data(nonce: str, command: GuestCommand | None = None, config: str | None = None) -> str:
    """Give the cloud-config of a guest: the report, in the background, so that it holds nothing up.

    A command is run once, as root, by cloud-init's last stage: the network is up by then, and what the user's
    own config runs is done.

    Args:
        nonce: marks what the guest prints.
        command: what it runs.
        config: the user's own, as ``parse_cloud_config`` gives it.
    """
    report = f"{REPORT_SCRIPT}\ngpucloud_reports {nonce} </dev/null >/dev/ttyS0 2>/dev/null &"
    said: dict[str, list[object]] = {"bootcmd": [["sh", "-c", report]]}
    if command is not None:
        script = f'{RUN_SCRIPT}\ngpucloud_run {command.nonce} "$@" </dev/null >/dev/ttyS0 2>/dev/null'
        said["runcmd"] = [["sh", "-c", script, "gpucloud-run", *command.argv]]
    return "#cloud-config\n" + _render(put_together(said, config)) + "\n"


def _render(said: object) -> str:
    """YAML in plain ASCII. To YAML JSON's escapes of a character above U+FFFF are two, and neither is one.

    Source: YAML 1.2, 5.7: a backslash, U and eight digits.
    """
    text = json.dumps(said, indent=1, ensure_ascii=False)
    return _NOT_PLAIN.sub(lambda found: f"\\U{ord(found[0]):08x}", text)


def render_meta_data(name: str, uuid: str) -> str:
    """Give the guest's identity; another one makes cloud-init treat it as a new machine."""
    return json.dumps({"instance-id": uuid, "local-hostname": name}) + "\n"


def write_seed(path: Path, user_data: str, meta_data: str) -> None:
    """Write the two files into an ISO 9660 image that every cloud-init finds by its label."""
    from pycdlib.pycdlib import PyCdlib

    iso = PyCdlib()
    iso.new(vol_ident="CIDATA", joliet=3, rock_ridge="1.09")
    for number, (name, text) in enumerate((("user-data", user_data), ("meta-data", meta_data))):
        content = text.encode()
        iso.add_fp(
            io.BytesIO(content),
            len(content),
            iso_path=f"/FILE{number}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
        )
    iso.write(str(path))
    iso.close()
