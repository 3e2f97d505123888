"""`Finding`, `Check` and `Diagnosis`: what was looked for, what was found, how bad it is."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cifviz.diagnosis.observed import ObservedUtterance
from cifviz.errors import printable, require_choice
from cifviz.text_tables import text_table

SEVERITIES = ("fault", "warning", "note")
"""From the worst: results are wrong; they may be; worth knowing. A note fails nothing."""
FORMAT, VERSION = "cifviz diagnosis", 1
"""Of the JSON; another version means that a reader of this one would go wrong."""
SCHEMA_FILE = Path(__file__).with_name("diagnosis.schema.json")
"""The JSON Schema of that JSON (draft 2020-12)."""
MOST_NAMED = 5
"""Utterances that the table names."""
WIDTH = 96
"""Columns of the text below the table."""


@dataclass(frozen=True)
class Picture:
    """What a picture of a finding shows: its kind, its numbers, and all of it in words."""

    kind: str
    """A key of `cifviz.diagnosis.finding_pictures.DRAWINGS`."""
    alt: str
    data: Mapping[str, Any]
    """Numbers, texts and lists of them, as JSON holds them."""


@dataclass(frozen=True)
class Finding:
    """What one check found."""

    check: str
    """Its name: a key of `cifviz.diagnosis.CHECKS`."""
    severity: str
    """One of `SEVERITIES`."""
    title: str
    found: str
    """What was found, in words."""
    advice: str
    """What to try."""
    utterances: tuple[str, ...]
    """Names of those concerned, the worst first."""
    numbers: Mapping[str, float | int | str]
    """What was measured, by name with unit."""
    picture: Picture

    def __post_init__(self) -> None:
        require_choice("severity", self.severity, SEVERITIES)

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON holds it."""
        fields = {name: getattr(self, name) for name in ("check", "severity", "title", "found")}
        return fields | {
            "advice": self.advice,
            "utterances": list(self.utterances),
            "numbers": dict(self.numbers),
            "picture": {
                "kind": self.picture.kind,
                "alt": self.picture.alt,
                "data": dict(self.picture.data),
            },
        }


@dataclass(frozen=True)
class Check:
    """One thing to look for.

    Parameters
    ----------
    name : str
        Its key in `cifviz.diagnosis.CHECKS`.
    title : str
        What it finds, in a few words.
    needs : str
        What it looks at, in words, for utterances that lack it.
    applies : callable
        Whether an utterance has what it looks at.
    run : callable
        Given those that have it, at least one: a finding, or None. Weights are valid
        (`ObservedUtterance.is_valid`) unless `any_weights`.
    any_weights : bool
        Whether it also looks at weights that cannot be integrated.
    """

    name: str
    title: str
    needs: str
    applies: Callable[[ObservedUtterance], bool]
    run: Callable[[Sequence[ObservedUtterance]], Finding | None]
    any_weights: bool = False

    def looks_at(self, utterance: ObservedUtterance) -> bool:
        """Whether it looks at an utterance."""
        return (self.any_weights or utterance.is_valid) and self.applies(utterance)


@dataclass(frozen=True)
class Diagnosis:
    """All that was found, the worst first, and what could not be looked at."""

    findings: tuple[Finding, ...]
    looked_at: Mapping[str, int]
    """How many utterances each check looked at, by its name; 0 where they lack what it needs."""
    needs: Mapping[str, str]
    """What those checks need that looked at nothing, by their name."""
    titles: Mapping[str, str]
    """The title of each check."""
    utterances: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    """Name, frames, Σα/β, fires and tokens of each utterance."""
    source: str = ""
    """What was diagnosed, for headings."""

    @property
    def worst(self) -> str:
        """The highest severity found; empty if nothing was."""
        return next((one for one in SEVERITIES if self.has(one)), "")

    @property
    def is_healthy(self) -> bool:
        """Whether there is neither a fault nor a warning."""
        return self.worst in ("", "note")

    def has(self, severity: str) -> bool:
        """Whether there is a finding of this severity."""
        require_choice("severity", severity, SEVERITIES)
        return any(finding.severity == severity for finding in self.findings)

    def fails(self, on: str = "fault") -> bool:
        """Whether there is a finding of this severity or a worse one.

        Parameters
        ----------
        on : {"fault", "warning", "note"}
        """
        require_choice("severity", on, SEVERITIES)
        return any(self.has(one) for one in SEVERITIES[: SEVERITIES.index(on) + 1])

    @property
    def summary(self) -> str:
        """How many of what was found, in one line."""
        count = Counter(finding.severity for finding in self.findings)
        listed = [f"{count[one]} {one}{'s' * (count[one] > 1)}" for one in SEVERITIES if count[one]]
        ran = sum(number > 0 for number in self.looked_at.values())
        number = len(self.utterances)
        return (
            f"{', '.join(listed) or 'nothing found'}; {ran} of {len(self.looked_at)} checks ran on "
            f"{number} utterance{'s' * (number != 1)}"
        )

    def table(self) -> str:
        """The findings as plain text, the worst first, and the checks that did not run."""
        name = printable(self.source)
        lines = [f"{name}: {self.summary}" if name else self.summary]
        if self.findings:
            header = ["severity", "check", "utterances"]
            rows = [[one.severity, one.check, _listed(one.utterances)] for one in self.findings]
            lines += text_table(header, rows).splitlines()
        for finding in self.findings:
            lines += ["", f"{finding.severity}: {finding.title}"]
            lines += [*_wrapped(finding.found), *_wrapped(f"Try: {finding.advice}")]
        if self.needs:
            lines += ["", "not looked for:"]
            lines += [f"  {name}: needs {what}" for name, what in self.needs.items()]
        return printable("\n".join(lines), keep="\n")

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as JSON holds it; "version" changes if a reader would go wrong.

        `SCHEMA_FILE` describes it.
        """
        return {
            "format": FORMAT,
            "version": VERSION,
            "source": self.source,
            "worst": self.worst or None,
            "findings": [finding.to_dict() for finding in self.findings],
            "checks": [
                {
                    "name": name,
                    "title": self.titles[name],
                    "utterances": number,
                    "needs": self.needs.get(name),
                }
                for name, number in self.looked_at.items()
            ],
            "utterances": [dict(one) for one in self.utterances],
        }

    def __str__(self) -> str:
        return self.table()


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(map(printable, names[:MOST_NAMED])) + more
