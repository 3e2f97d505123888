"""Like CTM, but NIST's RTTM: lines of ten fields, with speakers' segments beside words.

A word is ``LEXEME recording channel start duration token lex speaker confidence lookahead``, and
``<NA>`` stands for what is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError, require, shown
from cifviz.formats.ctm import (
    TOLERANCE,
    escaped,
    name_of,
    numbered_fields,
    recording_and_channel,
    recording_name,
    timed_token,
)
from cifviz.formats.timed_entries import (
    MICRO,
    all_in_order,
    decimal,
    named_tiers,
    parsed_file,
    text_writer,
    whole_units,
    written_entries,
)

UNKNOWN = "<NA>"
WORD, SPEAKER = "LEXEME", "SPEAKER"
OTHERS = "SEGMENT NOSCORE NO_RT_METADATA NON-LEX NON-SPEECH FILLER EDIT IP SU CB A/P SPKR-INFO"
"""Lines of other types, which are passed over."""


write = text_writer(lambda path, tiers: format_rttm(named_tiers(tiers, recording_name(path))))
"""Write the timed tokens of recordings; see `cifviz.formats.write_alignments` and `format_rttm`."""


def format_rttm(recordings: Mapping[str, Alignment]) -> str:
    """The text that `write` writes; see `cifviz.formats.ctm.format_ctm`.

    Raises
    ------
    DataError
        As `format_ctm`; also of a token ``<NA>``.

    Examples
    --------
    >>> print(format_rttm({"me": Alignment((TimedToken("one", 0.1, 0.3, 0.5),))}), end="")
    LEXEME me 1 0.1 0.2 one lex <NA> 0.5 <NA>
    """
    lines = []
    for name, tokens in recordings.items():
        place = " ".join(recording_and_channel(name, "RTTM"))
        for start, end, label, score in written_entries(tokens, MICRO, "RTTM"):
            require(label != UNKNOWN, f"RTTM cannot hold the label {UNKNOWN}", DataError)
            confidence = UNKNOWN if score is None else decimal(whole_units(score, MICRO))
            times = f"{decimal(start)} {decimal(end - start)}"
            word = f"{escaped(label, 'RTTM')} lex {UNKNOWN}"
            lines.append(f"{WORD} {place} {times} {word} {confidence} {UNKNOWN}\n")
    return "".join(lines)


def read(path: str | Path) -> dict[str, Alignment]:
    """The words of recordings, and the segments of speakers as ``"recording speaker"``.

    Lines of other types are passed over; see `cifviz.formats.read_alignments`.

    Raises
    ------
    DataError
        If the file cannot be read, or a line is of another form.
    """
    return parsed_file(path, "RTTM", parse_rttm)


def parse_rttm(text: str) -> dict[str, Alignment]:
    """The alignments in the text of an RTTM; errors as of `read`.

    >>> parse_rttm("SPEAKER me 1 0.5 1 <NA> <NA> ann <NA> <NA>")["me ann"].spans
    ((0.5, 1.5),)
    """
    found: dict[str, list[TimedToken]] = {}
    for number, fields in numbered_fields(text):
        kind = fields[0]
        is_known = kind in (WORD, SPEAKER) and len(fields) in (9, 10)
        require(
            is_known or kind in OTHERS.split(),
            f"line {number}: expected a type of RTTM and 9 or 10 fields, "
            f"got {shown(' '.join(fields))}",
            DataError,
        )
        if not is_known:
            continue
        _, recording, channel, start, length, label, _, speaker, score = fields[:9]
        name = name_of(recording, channel)
        if kind == SPEAKER:
            name, label = f"{name} {speaker}", speaker
        found.setdefault(name, []).append(timed_token(number, start, length, label, score))
    return all_in_order(found, TOLERANCE)
