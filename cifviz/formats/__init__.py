"""Alignments in files that other programs read: Praat's TextGrid and JSON."""

from cifviz.formats.json_files import alignment_from_json, read_json, write_json
from cifviz.formats.textgrid import (
    UNTIMED_SUFFIX,
    format_textgrid,
    read_textgrid,
    write_textgrid,
)

__all__ = [
    "UNTIMED_SUFFIX",
    "alignment_from_json",
    "format_textgrid",
    "read_json",
    "read_textgrid",
    "write_json",
    "write_textgrid",
]
