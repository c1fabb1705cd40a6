"""Names and numbers that tell whose host a capture is of, replaced by placeholders.

The same thing gets the same placeholder everywhere, so that what belongs together still shows: two
arguments with one UUID both read ``uuid-1``. Of free text (kernel arguments, module configuration)
only words that are known to be everybody's are kept (``safe``), and the names of the host's own kernel
modules; the value of any other word becomes ``redacted-N``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from gpucloud.inventory.capture.allowlist import SECURE_BOOT
from gpucloud.inventory.capture.names import is_known_process, tells_of_host
from gpucloud.inventory.capture.safe import is_relevant_module, is_safe_key, is_safe_value, is_safe_word
from gpucloud.inventory.collect.wire import Stream
from gpucloud.inventory.patterns import one_of
from gpucloud.inventory.system.boot import KERNEL_CMDLINE, OWN, REFERENCE, SETTINGS, split_setting
from gpucloud.inventory.system.configuration import CONFIGURATION
from gpucloud.inventory.system.kernel import parse_arguments
from gpucloud.inventory.system.modules import module_names

_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_MAC = re.compile(r"(?<![0-9A-Za-z:])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5,19}(?![0-9A-Za-z:])")
_IPV4 = re.compile(r"(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])")
_MACHINE_ID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32,}(?![0-9A-Za-z])")
_DISK_ID = re.compile(r"((?:PART)?(?:UUID|LABEL)=)(.+)")
_TOKENS = re.compile(r"""(\s+|["'(),])""")
_OF_MODULE = re.compile(
    r"\s*(options|blacklist|install|remove|softdep)\s+([A-Za-z0-9_-]{1,64})(?:\s+(.*))?", re.ASCII
)
_SECURE_BOOT_LENGTH = 5
"""Four bytes of attributes and the value."""
_NAMED = re.compile(r"([A-Za-z0-9_.+-]{1,64})=(.*)", re.ASCII | re.DOTALL)
_is_setting = one_of(SETTINGS)
_is_configuration = one_of(CONFIGURATION)
_is_command_line = one_of(["/proc/[0-9]*/cmdline"])
_is_program_name = one_of(["/proc/[0-9]*/comm"])
_names_modules = one_of(["/lib/modules/*/modules.dep", "/lib/modules/*/modules.builtin"])


class Redactor:
    """Replaces what identifies a host, and remembers what it replaced.

    Args:
        host_names: names of the host, whole and short.
        modules: names of the host's kernel modules, which are nobody's secret.
    """

    def __init__(self, host_names: Iterable[str], modules: Iterable[str]) -> None:
        self._modules = frozenset(name.replace("-", "_") for name in modules)
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        names = sorted((re.escape(name) for name in host_names if len(name) > 1), key=len, reverse=True)
        whole = rf"(?<![0-9A-Za-z])(?:{'|'.join(names)})(?![0-9A-Za-z])"
        self._host = re.compile(whole, re.IGNORECASE) if names else None

    def redact(self, stream: Stream) -> Stream:
        """Give a copy without anything that identifies the host."""
        clean = Stream()
        clean.folders = [self._path(path) for path in stream.folders]
        clean.links = {self._path(path): self._path(target) for path, target in stream.links.items()}
        clean.unread = {self._path(path): self._kept(why) for path, why in stream.unread.items()}
        for path, data in stream.files.items():
            clean.files[self._path(path)] = (
                data[:_SECURE_BOOT_LENGTH] if path == SECURE_BOOT else self._file(path, data)
            )
        return clean

    def arguments(self, text: str) -> str:
        """Redact kernel arguments. What follows ``--`` is for init, and nothing of it is known."""
        words: list[str] = []
        is_for_init = False
        for word in parse_arguments(text):
            is_for_init = is_for_init or word == "--"
            words.append(self._word(word, is_known=not is_for_init) if word != "--" else word)
        return " ".join(words)

    def directive(self, line: str) -> str:
        """Redact one line of module configuration, or of a variable of dracut or mkinitcpio."""
        directive = _OF_MODULE.fullmatch(line)
        if directive is None:
            return "".join(self._token(token) for token in _TOKENS.split(line))
        is_relevant = is_relevant_module(directive[2])
        rest = (
            self._word(word, is_known=True, is_relevant=is_relevant) for word in (directive[3] or "").split()
        )
        return " ".join([directive[1], directive[2], *rest])

    def setting(self, line: str) -> str:
        """Redact the kernel arguments in one line of a boot loader's file."""
        before, arguments = split_setting(line) or ("", line)
        words = _TOKENS.split(arguments)  # with what begins a comment, and init's part, so that it stays one
        return before + "".join(
            word if word in ("#", "--") or REFERENCE.fullmatch(word) else self._token(word) for word in words
        )

    def _token(self, token: str) -> str:
        return token if not token or _TOKENS.fullmatch(token) else self._word(token, is_known=True)

    def _word(self, word: str, *, is_known: bool, is_relevant: bool = False) -> str:
        named = _NAMED.fullmatch(word)
        if named is None:
            return word if is_known and self._is_nobodys(word) else self._placeholder("redacted", word)
        key, value = named.groups()
        if not value or is_safe_value(value):
            return word
        if is_known and (is_relevant or is_safe_key(key)):
            return f"{key}={self._sweep_all(value)}"
        disk = _DISK_ID.fullmatch(value)
        if disk:
            return f"{key}={disk[1]}{self._placeholder('uuid', disk[2].lower())}"
        return f"{key}={self._placeholder('redacted', value)}"

    def _is_nobodys(self, word: str) -> bool:
        return is_safe_word(word) or word.replace("-", "_") in self._modules

    def _file(self, path: str, data: bytes) -> bytes:
        redact = self._redaction_of(path)
        lines = data.decode(errors="replace").split("\n")
        return "\n".join(self._kept(redact(line)) if line else line for line in lines).encode()

    def _redaction_of(self, path: str) -> Callable[[str], str]:
        if path in ("/proc/cmdline", KERNEL_CMDLINE):
            return self.arguments
        if path in OWN:
            return self._kept
        if _is_setting(path):
            return self.setting
        if path == "/proc/net/route":
            return lambda line: self._column(line, 0)
        if path == "/proc/net/ipv6_route":
            return lambda line: self._column(line, -1)
        if _is_command_line(path):
            return self._guest
        if _is_program_name(path):
            return self._process
        if _is_configuration(path):
            return self.directive
        return self._kept

    def _column(self, line: str, index: int) -> str:
        words = line.split()
        if words and words[0] != "Iface":
            words[index] = self._interface(words[index])
        return " ".join(words)

    def _guest(self, line: str) -> str:
        if line in ("qemu", "-name"):
            return line
        return f"guest={self._placeholder('guest', line.removeprefix('guest='))}"

    def _process(self, name: str) -> str:
        return name if is_known_process(name) else self._placeholder("process", name)

    def _path(self, path: str) -> str:
        parts = path.split("/")
        for index, part in enumerate(parts[1:], start=1):
            if parts[index - 1] in ("net", "brif") and parts[1] != "proc":
                parts[index] = self._interface(part)
            elif part.startswith("lower_"):
                parts[index] = f"lower_{self._interface(part.removeprefix('lower_'))}"
        return self._kept("/".join(parts))

    def _kept(self, text: str) -> str:
        """What stays of a path or a line: the kernel's release reads alike in paths and in its own file."""
        return self._unnamed(self._sweep(text))

    def _interface(self, name: str) -> str:
        return name if name == "lo" else self._placeholder("if", name)

    def _sweep_all(self, text: str) -> str:
        """Replace identifiers inside a value that is kept."""
        text = _IPV4.sub(lambda match: self._placeholder("ip", match[0]), self._sweep(text))
        text = _MACHINE_ID.sub(lambda match: self._placeholder("id", match[0].lower()), text)
        return self._unnamed(text)

    def _unnamed(self, text: str) -> str:
        return self._host.sub("host", text) if self._host else text

    def _sweep(self, text: str) -> str:
        """Replace what can only be an identifier, wherever it stands."""
        text = _UUID.sub(lambda match: self._placeholder("uuid", match[0].lower()), text)
        return _MAC.sub(lambda match: self._placeholder("mac", match[0].lower()), text)

    def _placeholder(self, kind: str, original: str) -> str:
        given = self._given.get((kind, original))
        if given is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            given = self._given[kind, original] = f"{kind}{'' if kind == 'if' else '-'}{number}"
        return given


def redact(stream: Stream, host_name: str) -> Stream:
    """Replace what identifies the host of a stream.

    Args:
        stream: what was collected of it.
        host_name: its name, which is looked for and stands in no capture itself.
    """
    modules = {path.rpartition("/")[2] for path in stream.folders if path.startswith("/sys/module/")}
    for path, data in stream.files.items():
        if _names_modules(path):
            modules |= module_names(data.decode(errors="replace"))
    names = {host_name, host_name.partition(".")[0], host_name.partition(".")[2]} - {""}
    return Redactor(filter(tells_of_host, names), modules).redact(stream)
