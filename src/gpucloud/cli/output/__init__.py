"""Printing: results on standard output, progress on standard error, nothing untrusted raw."""

from gpucloud.cli.output.clean import clean, one_line
from gpucloud.cli.output.document import Format, Shape, print_document, print_json, print_line_of_json
from gpucloud.cli.output.lines import note, paint_level, print_beside, print_lines, print_text, say
from gpucloud.cli.output.table import table
from gpucloud.cli.output.terminal import has_colours

__all__ = [
    "Format",
    "Shape",
    "clean",
    "has_colours",
    "note",
    "one_line",
    "paint_level",
    "print_beside",
    "print_document",
    "print_json",
    "print_line_of_json",
    "print_lines",
    "print_text",
    "say",
    "table",
]
