"""A user's own cloud-config, which a guest gets with gpucloud's: read strictly, and put together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

MOST_BYTES = 32 * 1024
"""Nova takes 64 KiB of user data in base64 (nova/api/openstack/compute/schemas); ours has to fit, too."""
_MOST_DEPTH = 64
_HEAD = "#cloud-config"
_STAGES = ("bootcmd", "runcmd")
_OURS_FIRST = "bootcmd"
"""What reports begins before anything of the user's can hold it up; what runs goes after all of it."""


def parse_cloud_config(text: str) -> str:
    """Read a cloud-config; gives the same as a JSON object.

    Raises:
        ValueError: it is none, or holds what JSON does not.
    """
    import yaml

    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"it is longer than {MOST_BYTES} bytes, of which nova takes no more")
    if text.split("\n", 1)[0].rstrip() != _HEAD:
        raise ValueError(f"its first line is not {_HEAD}: other kinds of user data are not put together")
    try:
        _refuse_bombs(text)
        said = yaml.safe_load(text)
        if not isinstance(said, dict) or not all(isinstance(key, str) for key in said):
            raise ValueError("it is no table of modules")
        wrong = [stage for stage in _STAGES if not isinstance(said.get(stage, []), list)]
        if wrong:
            raise ValueError(f"its {wrong[0]} is no list")
        return json.dumps(said)
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        why = str(error).splitlines()[0]
        raise ValueError(f"it is no cloud-config: {why}") from error


def _refuse_bombs(text: str) -> None:
    """An alias lets a few lines stand for billions; the parser's time grows with the square of the depth."""
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        refers = isinstance(event, yaml.AliasEvent)
        if refers:
            raise ValueError("it refers to other places of itself (*name): write the values out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEPTH:
            raise ValueError(f"its lists and tables stand more than {_MOST_DEPTH} deep in each other")


def put_together(ours: Mapping[str, list[object]], users: str | None) -> dict[str, object]:
    """One cloud-config of both.

    Args:
        ours: commands by stage.
        users: as ``parse_cloud_config`` gives it.
    """
    whole: dict[str, Any] = {} if users is None else json.loads(users)
    for stage, commands in ours.items():
        more = whole.get(stage, [])
        whole[stage] = [*commands, *more] if stage == _OURS_FIRST else [*more, *commands]
    return whole


def ends_the_guest(users: str) -> bool:
    """Claims that a guest restarts or stops at the end of its first start, whatever it finds there.

    Source: cloud-init, module ``power_state``; with a condition it may go on.

    Args:
        users: as ``parse_cloud_config`` gives it.
    """
    said = json.loads(users).get("power_state")
    return isinstance(said, dict) and said.get("condition", True) is True
