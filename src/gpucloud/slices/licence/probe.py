"""A guest's look at its own licence: a script for it, and the report that the script prints.

The report is marked line by line, so it may stand among other text of a console. It is a guest's word:
bounded, matched strictly; a guest that lies deceives its own user alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

from gpucloud.model.unknown import Unknown
from gpucloud.slices.licence.client import Server

MARK = "gpucloud-licence"
_MOST_CHARS = 4 * 1024 * 1024
_MOST_LINES = 4096

_SCRIPT = r"""LC_ALL=C; export LC_ALL
gpucloud_option() {
  sed -n "s/^$1=\"\{0,1\}\([][A-Za-z0-9._:-]*\).*/\1/p" "$2" 2>/dev/null | tail -n 1
}
gpucloud_date() {
  curl -qskI -m 5 --noproxy '*' "$1" | tr -d '\r' | sed -n 's/^[Dd]ate: *//p' | tail -n 1
}
gpucloud_licence() {
  echo 'gpucloud-licence begin'
  conf=/etc/nvidia/gridd.conf
  sed -n 's/^\([A-Za-z]\{1,40\}=[ -~]\{0,200\}\)$/gpucloud-licence conf \1/p' "$conf" 2>/dev/null
  for token in /etc/nvidia/ClientConfigToken/*.tok; do
    [ -e "$token" ] && printf 'gpucloud-licence token %s\n' "$(stat -c '%a %s' "$token")"
  done
  if [ $# -eq 0 ]; then
    for which in '' Backup; do
      host=$(gpucloud_option "${which}ServerAddress" "$conf")
      port=$(gpucloud_option "${which}ServerPort" "$conf")
      [ -n "$host" ] && set -- "$@" "$host" "${port:-7070}"
    done
  fi
  while [ $# -ge 2 ]; do
    at=${1#[}; at=${at%]}; name=$(getent ahosts "$at" 2>/dev/null | head -n 1 | cut -d' ' -f1)
    if [ -z "$name" ]; then tcp=unknown
    elif ! command -v bash >/dev/null || ! command -v timeout >/dev/null; then tcp=unknown
    else timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$at" "$2" 2>/dev/null
      case $? in 0) tcp=open;; 124) tcp=silent;; *) tcp=closed;; esac
    fi
    printf 'gpucloud-licence reach %s %s %s %s\n' "$1" "$2" "${name:-unresolved}" "$tcp"
    if [ "$tcp" = open ] && command -v curl >/dev/null; then
      for way in https http; do
        date=$(gpucloud_date "$way://$1:$2/")
        [ -n "$date" ] || continue
        printf 'gpucloud-licence clock %s %s %s %s\n' "$1" "$2" "$(date +%s)" "$date"
        break
      done
    fi
    shift 2
  done
  echo "gpucloud-licence service $(systemctl is-active nvidia-gridd 2>/dev/null || true)"
  nvidia-smi -q 2>/dev/null |
    grep -E '^GPU |Product Name|Licensed Product|License Status|Virtualization Mode' |
    sed 's/^/gpucloud-licence smi /'
  { journalctl -b -q -n 60 -o cat -u nvidia-gridd ||
    grep -h nvidia-gridd /var/log/syslog /var/log/messages | tail -n 60; } 2>/dev/null |
    cut -c1-300 | sed 's/^/gpucloud-licence journal /'
  echo 'gpucloud-licence end'
}
gpucloud_licence"""
"""POSIX shell. The server's date is asked for with curl, over TLS first, whatever its certificate is. Nothing
of the server's is told with echo, which makes lines of backslashes in dash."""


def script(servers: Sequence[Server]) -> str:
    """The script for a guest that asks these servers; none: those in its own gridd.conf."""
    words = "".join(f" '{server.host}' {server.port}" for server in servers)
    return f"{_SCRIPT}{words}\n"


class Tcp(StrEnum):
    """What became of a connection."""

    OPEN = "open"
    CLOSED = "closed"
    SILENT = "silent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reach:
    """One server, from the guest's side.

    Args:
        server: which.
        address: what its name is in the guest; None: no address.
        tcp: what became of a connection to its port.
        skew_s: seconds that the guest's clock is ahead of the server's.
    """

    server: Server
    address: str | None
    tcp: Tcp
    skew_s: int | Unknown = field(default=Unknown("the server said no date, or the guest has no curl"))


@dataclass(frozen=True, slots=True)
class Report:
    """What a guest says of itself.

    Args:
        conf: options of its gridd.conf; the last of a name counts.
        tokens: mode and bytes of each token.
        reaches: the servers that were asked.
        service: state of nvidia-gridd's unit, as systemd prints it; None: there is no systemd.
        smi: lines of ``nvidia-smi -q``.
        journal: lines of nvidia-gridd.
    """

    conf: dict[str, str]
    tokens: tuple[tuple[int, int], ...]
    reaches: tuple[Reach, ...]
    service: str | None
    smi: str
    journal: str


_LINE = re.compile(
    rf"(?:^|[^\w-]){MARK} (?P<kind>begin|conf|token|reach|clock|service|smi|journal|end)"
    r"(?: (?P<rest>[ -~]*))?$",
    re.ASCII,
)
_CONF = re.compile(r"([A-Za-z]{1,40})=([ -~]{0,200})", re.ASCII)
_TOKEN = re.compile(r"([0-7]{3,4}) ([0-9]{1,9})", re.ASCII)
_REACH = re.compile(
    r"([][A-Za-z0-9._:-]{1,253}) ([0-9]{1,5}) ([0-9A-Fa-f.:]{2,45}|unresolved) (open|closed|silent|unknown)",
    re.ASCII,
)
_CLOCK = re.compile(r"([][A-Za-z0-9._:-]{1,253}) ([0-9]{1,5}) ([0-9]{1,11}) ([ -~]{10,40})", re.ASCII)
_SERVICE = re.compile(r"[a-z]{3,20}", re.ASCII)


def parse_report(text: str) -> Report | None:
    """The last whole report in a text; None where there is none.

    Raises:
        ValueError: the text is longer than any console's.
    """
    if len(text) > _MOST_CHARS:
        raise ValueError(f"the text is longer than {_MOST_CHARS} characters")
    whole: list[tuple[str, str]] | None = None
    lines: list[tuple[str, str]] | None = None
    for line in text.splitlines():
        match = _LINE.search(line.rstrip("\r"))
        if match is None:
            continue
        kind, rest = match["kind"], match["rest"] or ""
        if kind == "begin":
            lines = []
        elif kind == "end":
            whole, lines = (whole if lines is None else lines), None
        elif lines is not None and len(lines) < _MOST_LINES:
            lines.append((kind, rest))
    return None if whole is None else _report(whole)


def _report(lines: Sequence[tuple[str, str]]) -> Report:
    def of(kind: str) -> list[str]:
        return [rest for one, rest in lines if one == kind]

    conf = [match.groups() for rest in of("conf") if (match := _CONF.fullmatch(rest))]
    tokens = [match.groups() for rest in of("token") if (match := _TOKEN.fullmatch(rest))]
    services = [rest for rest in of("service") if _SERVICE.fullmatch(rest)]
    return Report(
        conf={name: value.strip().strip('"') for name, value in conf},
        tokens=tuple((int(mode, 8), int(size)) for mode, size in tokens),
        reaches=_reaches(of("reach"), of("clock")),
        service=services[-1] if services else None,
        smi="\n".join(of("smi")),
        journal="\n".join(of("journal")),
    )


def _reaches(reaches: Sequence[str], clocks: Sequence[str]) -> tuple[Reach, ...]:
    skews = {
        match.group(1, 2): _skew(match[3], match[4]) for rest in clocks if (match := _CLOCK.fullmatch(rest))
    }
    found = []
    for rest in reaches:
        match = _REACH.fullmatch(rest)
        if match is None or not 1 <= int(match[2]) <= 65535:
            continue
        server = Server(match[1], int(match[2]))
        address = None if match[3] == "unresolved" else match[3]
        skew = skews.get(match.group(1, 2))
        tcp = Tcp(match[4])
        found.append(Reach(server, address, tcp) if skew is None else Reach(server, address, tcp, skew))
    return tuple(found)


def _skew(now: str, date: str) -> int | Unknown:
    """HTTP's Date is in GMT whatever it says (RFC 9110, 5.6.7)."""
    try:
        said = parsedate_to_datetime(date)
        return int(now) - int(said.replace(tzinfo=UTC).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return Unknown(f"the server's date is {date!r}")
