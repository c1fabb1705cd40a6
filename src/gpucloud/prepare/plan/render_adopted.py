"""What was set up by hand as text: what the spec says from now on, and what stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpucloud.model.line import Copied
from gpucloud.model.plan import Adopted, ByHand
from gpucloud.prepare.plan.wording import join


def adopted_lines(adopted: Adopted | None, *, is_refused: bool = False) -> Iterator[str]:
    """Lines to be shown before the plan; none where it was not looked for."""
    if adopted is None:
        return
    taken = [setting for setting in adopted.settings if setting.left is None]
    left = [setting for setting in adopted.settings if setting.left is not None]
    if not adopted.settings:
        yield "nothing here was set up by hand for guests with GPUs"
    says = f"for {adopted.spec_path} to say" if is_refused else f"said by {adopted.spec_path} from now on"
    yield from _under(f"set up by hand, {says}:", taken)
    yield from _under("set up by hand, and left as it is:", left)
    if adopted.unread:
        yield "could not be looked at:"
        yield from (f"  {why}" for why in adopted.unread)
    yield ""


def _under(title: str, settings: Sequence[ByHand]) -> Iterator[str]:
    if settings:
        yield title
    for setting in settings:
        where = setting.path if setting.line is None else f"{setting.path}, line {setting.line}"
        units = f": GPU {join([address.short for address in setting.units])}" if setting.units else ""
        yield Copied(f"  {where}: {setting.text}")
        yield f"    {setting.does}{units}"
        if setting.left is not None:
            yield f"    left: {setting.left}"
