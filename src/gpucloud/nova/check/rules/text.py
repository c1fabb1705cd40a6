"""Files and values that cannot be read as they stand."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator

from gpucloud.model.finding import Level
from gpucloud.nova.check.case import Case
from gpucloud.nova.check.finding import Finding, Kind
from gpucloud.nova.check.lines import alias_lines, shown, spec_lines
from gpucloud.nova.check.start import wrong_values
from gpucloud.nova.config import Setting
from gpucloud.nova.reading import Json

_DOUBLE, _SINGLE = "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02", "\u2018\u2019\u201a\u201b\u2032"
_TYPOGRAPHIC = str.maketrans(dict.fromkeys(_DOUBLE, '"') | dict.fromkeys(_SINGLE, "'"))
_DOLLAR = re.compile(r"(?<![\\$])\$\{?[_a-zA-Z]")
_ELSE = re.compile(r"[#;]|\[[A-Za-z][\w.-]*\]|[A-Za-z_]\w*\s*[=:]")
"""How a comment, a heading or an option begins."""
_LONGEST = 4096
"""Of a value that is tried as Python."""
_SHOWN, _MOST_KEYS = 60, 8
"""Characters of a key, and keys of a value, that are told."""
_OSLO = "oslo.config: oslo_config/iniparser.py, cfg.py, types.py"

UNREADABLE = Kind(
    "nova-file-unreadable",
    Level.BLOCKER,
    "A file is not in oslo.config's format",
    "No service of nova starts with a file that oslo.config cannot read.",
    ("`Failed to parse FILE: at FILE:LINE, ...`",),
    ("Correct the line: [section], NAME = VALUE, a comment that begins with #, or an indented continuation",),
    (_OSLO,),
)
WRONG_VALUE = Kind(
    "nova-value-refused",
    Level.BLOCKER,
    "A value is not of the option's type",
    "Each service prints all of its options when it starts, and ends at the first that cannot be read.",
    ("`Value for option ... is not valid: Unexpected boolean value 'maybe'`",),
    ("Write true or false, or a number within the limits",),
    (_OSLO, "oslo.service: log_opt_values", "nova/conf/"),
)
SUBSTITUTED = Kind(
    "nova-dollar",
    Level.WARNING,
    "A dollar sign begins the name of an option",
    "oslo.config puts the value of another option where $name or ${name} stands; with no such option the "
    "service ends. $$ is one dollar, and a dollar before anything but a name stays.",
    ("`no such option ... in group [DEFAULT]`",),
    ("Write $$ for a dollar sign",),
    (_OSLO,),
)
TYPOGRAPHIC = Kind(
    "nova-typographic-quotes",
    Level.BLOCKER,
    "Typographic quotes",
    "JSON knows only the plain double quote. Quotes from a word processor, a slide or a web page make the "
    "value unreadable.",
    (
        "`Invalid PCI alias definition: Expecting property name enclosed in double quotes`",
        "`Invalid entry: '...'`",
    ),
    ("Write plain double quotes",),
    ("RFC 8259, section 7", "nova/pci/request.py, nova/pci/devspec.py"),
)
SINGLE_QUOTES = Kind(
    "nova-single-quotes",
    Level.BLOCKER,
    "JSON with single quotes",
    "The value looks like Python, and nova reads JSON: keys and texts need double quotes.",
    (
        "`Expecting property name enclosed in double quotes: line 1 column 2 (char 1)`",
        "`Invalid entry: '{'vendor_id': ...}'`",
    ),
    ("Write double quotes",),
    (
        "nova/pci/request.py, nova/pci/whitelist.py",
        "nova's own guide prints it so (live migration of PCI devices)",
    ),
)
COMMA_LIST = Kind(
    "nova-comma-list",
    Level.BLOCKER,
    "Several objects in one value",
    "One alias line holds one JSON object; a device_spec line holds one object, or a list in brackets. "
    "Objects with commas between them are no JSON.",
    ("`Extra data: line 1 column ...`", "`[{...}] is not of type 'object'`"),
    ("Write one line for each object",),
    ("nova/pci/request.py: get_alias_from_config", "nova/conf/pci.py (MultiStrOpt)"),
)
SWALLOWED = Kind(
    "nova-line-swallowed",
    Level.BLOCKER,
    "The value goes on where something else was meant",
    "A line that begins with a blank goes on with the value before it, a heading or an option as well; and a "
    "comment needs a line of its own: # or ; after a value is a part of it.",
    ("`Extra data: line 2 column 1`", "`Invalid entry: '...'`"),
    ("Begin headings and options at the first column, and give a comment its own line",),
    (_OSLO,),
)
NOT_JSON = Kind(
    "nova-not-json",
    Level.BLOCKER,
    "The value is not JSON",
    "Nova reads each value of this option as JSON, and refuses what is none.",
    ("`Invalid entry: '...'`", "`Invalid PCI alias definition: Expecting ...`"),
    ('Write one JSON object: {"vendor_id": "10de", "product_id": "1eb8"}',),
    ("nova/pci/request.py, nova/pci/whitelist.py",),
)
REPEATED_KEY = Kind(
    "nova-json-key-repeated",
    Level.WARNING,
    "A key that stands twice in one object",
    "Of a key that repeats, Python's JSON keeps the last value and says nothing of the others.",
    ("devices or aliases of the last value alone",),
    ("Keep one of them; for several devices write several lines",),
    ("RFC 8259, section 4", "Python docs: json (repeated names within an object)"),
)


def unreadable(case: Case) -> Iterator[Finding]:
    """A file that oslo.config cannot read."""
    error = case.configuration.error
    if error is not None:
        fix = UNREADABLE.fix if error.line is not None else ("Give a file that is there, in UTF-8",)
        yield Finding(UNREADABLE, Level.BLOCKER, str(error), fix, error.file, error.line)


def wrong_value(case: Case) -> Iterator[Finding]:
    """A value that is not of its option's type; of JSON, ``substituted`` tells it."""
    json_settings = {*case.spec_settings, *case.alias_settings}
    for setting, refusal in wrong_values(case):
        if setting in json_settings:
            continue
        yield WRONG_VALUE.at(setting, refusal.message)


def substituted(case: Case) -> Iterator[Finding]:
    """A dollar in a value of JSON that oslo.config takes for an option's name."""
    for setting in (*case.spec_settings, *case.alias_settings):
        if _DOLLAR.search(setting.value):
            yield SUBSTITUTED.at(setting, f"{shown(setting)} holds $ before a name: {setting.value}")


def bad_json(case: Case) -> Iterator[Finding]:
    """A value of device_spec or alias that is no JSON, with what it was meant to be."""
    for setting in case.spec_settings:
        yield from judge_json(case, setting, is_alias=False)
    for setting in case.alias_settings:
        yield from judge_json(case, setting, is_alias=True)


def repeated_key(case: Case) -> Iterator[Finding]:
    """A key that stands twice in one object."""
    for setting in (*case.spec_settings, *case.alias_settings):
        for key in _twice(setting.value):
            yield REPEATED_KEY.at(
                setting, f"{shown(setting)}: {key[:_SHOWN]!r} stands twice; the last counts"
            )


def judge_json(case: Case, setting: Setting, *, is_alias: bool) -> Iterator[Finding]:
    """What is wrong with one value as JSON."""
    lines = alias_lines if is_alias else spec_lines
    try:
        loaded = json.loads(setting.value)
    except RecursionError:
        return
    except ValueError as error:
        meant, rest = _cut(setting.value)
        if rest is not None:
            fix = (*lines(case.release, *meant), *rest.splitlines())
            yield SWALLOWED.at(setting, f"{shown(setting)} goes on with {rest[:60]!r}", fix=fix)
            return
        kind, what = _unreadable(setting, str(error))
        meant = meant_objects(setting.value)
        yield kind.at(setting, what, fix=lines(case.release, *meant) if meant else ())
        return
    if is_alias and isinstance(loaded, list):
        fix = lines(case.release, *(one for one in loaded if isinstance(one, dict)))
        yield COMMA_LIST.at(setting, "an alias is one JSON object, and this is a list", fix=fix)


def meant_objects(text: str) -> list[dict[str, Json]]:
    """The objects that a value was meant to hold; none where it cannot be told."""
    plain = text.translate(_TYPOGRAPHIC)
    for candidate in (plain, f"[{plain}]"):
        try:
            loaded = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        several = loaded if isinstance(loaded, list) else [loaded]
        return several if all(isinstance(one, dict) for one in several) else []
    return _python(plain)


def _unreadable(setting: Setting, error: str) -> tuple[Kind, str]:
    if setting.value.translate(_TYPOGRAPHIC) != setting.value:
        return TYPOGRAPHIC, f"{shown(setting)} has typographic quotes"
    if _python(setting.value):
        return SINGLE_QUOTES, f"{shown(setting)} has single quotes"
    several = meant_objects(setting.value)
    if several:
        return COMMA_LIST, f"{shown(setting)} holds {len(several)} objects"
    return NOT_JSON, f"{shown(setting)} is no JSON: {error}"


def _twice(text: str) -> list[str]:
    """Keys that an object of a value has more than once; none of what is no JSON."""
    found: list[str] = []

    def note(pairs: list[tuple[str, object]]) -> dict[str, object]:
        known = dict(pairs)
        if len(known) != len(pairs):
            counts = Counter(key for key, _ in pairs)
            found.extend(key for key, count in counts.items() if count > 1)
        return known

    try:
        json.loads(text, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return []
    return list(dict.fromkeys(found))[:_MOST_KEYS]


def _cut(text: str) -> tuple[list[dict[str, Json]], str | None]:
    """The object that a value begins with, and the heading, option or comment after it; else None."""
    try:
        loaded, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return [], None
    rest = text[end:].strip()
    if not isinstance(loaded, dict) or not _ELSE.match(rest):
        return [], None
    return [loaded], f"# {rest.lstrip('#; ')}" if rest[0] in "#;" else rest


def _python(text: str) -> list[dict[str, Json]]:
    """The dictionaries that the text is in Python, where JSON can say them too: not ``...``, no bytes."""
    if "'" not in text or len(text) > _LONGEST:
        return []
    try:
        value = json.loads(json.dumps(ast.literal_eval(text), allow_nan=False))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return []
    several = value if isinstance(value, list) else [value]
    return several if all(isinstance(one, dict) for one in several) else []


RULES = (unreadable, wrong_value, substituted, bad_json, repeated_key)
