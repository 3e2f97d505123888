"""What commands make of a transcription: a table on the terminal, and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifviz.errors import printable

if TYPE_CHECKING:
    from cifviz.systems.transcription import Transcription


def write_files(
    parts: Sequence[Path], path: Path, model: str, transcription: Transcription
) -> None:
    """Write a picture, a TextGrid and a JSON file."""
    from cifviz.formats import write_json, write_textgrid
    from cifviz.plot import panel_png

    picture, textgrid, record = parts
    picture.write_bytes(panel_png(transcription))
    write_textgrid(textgrid, {"tokens": transcription.alignment}, transcription.duration)
    write_json(record, _record(path, model, transcription))


def with_suffix(stem: Path, suffix: str) -> Path:
    """Append a suffix; a stem such as "take.1" keeps its dot."""
    return stem.with_name(stem.name + suffix)


def _record(path: Path, model: str, transcription: Transcription) -> dict[str, Any]:
    return {
        "file": printable(path.name),
        "model": model,
        "vocabulary_size": len(transcription.config.vocabulary),
        "vocabulary": transcription.config.vocabulary_text,
        "duration": round(transcription.duration, 4),
        "tokens": [
            {
                "token": token.token,
                "start": _rounded(token.start),
                "end": _rounded(token.end),
                "score": _rounded(token.score),
            }
            for token in transcription.alignment
        ],
        "mean_score": _rounded(transcription.mean_score),
        "out_of_domain": transcription.is_out_of_domain,
        "domain_distance": _rounded(transcription.domain_distance),
        "domain_bound": transcription.config.domain and transcription.config.domain.bound,
        "warning": transcription.warning or None,
        **_fired(transcription),
    }


def _fired(transcription: Transcription) -> dict[str, Any]:
    """What only a CIF has."""
    firing, grid = transcription.firing, transcription.grid
    if firing is None:
        return {}
    return {
        "weight_sum": round(float(firing.weight_sum), 4),
        "residual": round(float(firing.residual), 4),
        "tail_fired": bool(firing.tail_fired),
        "fires": [round(grid.seconds(one), 4) for one in firing.fire_positions[0].tolist()],
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def _column(number: float | None, width: int) -> str:
    """Two decimals, or a dash for what is not known."""
    return f"{'–':>{width}}" if number is None else f"{number:{width}.2f}"


def transcription_table(path: Path, model: str, transcription: Transcription) -> str:
    """Tokens with times and scores, for a terminal."""
    tokens = transcription.alignment.tokens
    names = [printable(token.token) for token in tokens]
    width = max([5, *map(len, names)])
    known = f"model {printable(model)}, {transcription.config.vocabulary_text}"
    if tokens:
        known += f", mean score {transcription.mean_score or 0.0:.2f}"
    lines = [f"{printable(path.name)}  ({transcription.duration:.2f} s, {known})"]
    lines.append(f"  {'token':<{width}}  start s   end s  score")
    lines += [
        f"  {name:<{width}}  {_column(token.start, 7)} {_column(token.end, 7)}  "
        f"{_column(token.score, 5)}"
        for name, token in zip(names, tokens, strict=True)
    ]
    if not tokens:
        lines.append("  (no token fired)" if transcription.firing else "  (no token)")
    if transcription.warning:
        lines.append(f"  warning: {transcription.warning}")
    return "\n".join(lines)
