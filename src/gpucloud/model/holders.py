"""Who keeps a driver from letting a function go, and the command that makes them end."""

from __future__ import annotations

from gpucloud.model.pci import Holder

_SERVICES = {
    "nvidia-persistenced": "systemctl stop nvidia-persistenced",
    "nvidia-persiste": "systemctl stop nvidia-persistenced",  # comm keeps 15 characters
    "nv-hostengine": "systemctl stop nvidia-dcgm",
    "nv-fabricmanage": "systemctl stop nvidia-fabricmanager",
    "nvidia-device-p": "stop the Kubernetes device plugin on this node",
    "kubelet": "drain this node first: kubectl drain",
    "Xorg": "systemctl stop display-manager",
    "Xwayland": "systemctl stop display-manager",
    "gnome-shell": "systemctl stop display-manager",
    "kwin_wayland": "systemctl stop display-manager",
    "sddm": "systemctl stop display-manager",
    "systemd-logind": "systemctl stop display-manager",  # it opens cards for the session that shows on them
    "plymouthd": "plymouth quit",
    "pipewire": "systemctl --user stop pipewire.socket pipewire.service",
    "wireplumber": "systemctl --user stop wireplumber.service",
    "pulseaudio": "systemctl --user stop pulseaudio.socket pulseaudio.service",
}
"""Programs that come back when they are killed, or must not be, by what stops or contents them."""

_LET_GO = ("/dev/input/", "/dev/hidraw", "/dev/bus/usb/")
"""Nodes that stay open without their driver: the kernel wakes who reads them and tells that it is gone.

Sources: drivers/input/evdev.c ``evdev_disconnect``, drivers/hid/hidraw.c ``hidraw_disconnect``,
drivers/usb/core/devio.c ``usbdev_remove``.
"""


_CARETAKERS = (
    *("nvidia-persistenced", "nvidia-persiste", "nvidia-vgpud", "nvidia-vgpu-mgr"),
    *("nv-hostengine", "nv-fabricmanage"),
)
"""The driver's own services, which have every card open and do no work of anybody's with it."""


def is_caretaker(holder: Holder) -> bool:
    """Claims that a card which nobody but this holder has open is in use by nobody."""
    return holder.guest is None and holder.process in _CARETAKERS


def keeps_driver(holder: Holder) -> bool:
    """Claims that the driver cannot let the function go while this holder has its node open."""
    return not holder.node.startswith(_LET_GO)


def release_command(holder: Holder) -> str:
    """What makes a process of the host let go; of a guest's process: what ends the guest."""
    if holder.guest:
        return f"gpucloud destroy {holder.guest}"
    return _SERVICES.get(holder.process, f"kill {holder.pid}")
