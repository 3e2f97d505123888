"""What commands make of a transcription: a table on the terminal, and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cifviz.errors import printable


def write_files(parts: Sequence[Path], path: Path, model: str, transcription: Any) -> None:
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


def _record(path: Path, model: str, transcription: Any) -> dict[str, Any]:
    firing = transcription.require_firing()
    return {
        "file": printable(path.name),
        "model": model,
        "vocabulary_size": len(transcription.config.vocabulary),
        "vocabulary": transcription.config.vocabulary_text,
        "duration": round(transcription.duration, 4),
        "tokens": [
            {
                "token": token.token,
                "start": round(token.start, 4),
                "end": round(token.end, 4),
                "score": round(token.score, 4),
            }
            for token in transcription.alignment
        ],
        "mean_score": _rounded(transcription.mean_score),
        "out_of_domain": transcription.is_out_of_domain,
        "domain_distance": _rounded(transcription.domain_distance),
        "domain_bound": transcription.config.domain and transcription.config.domain.bound,
        "warning": transcription.warning or None,
        "weight_sum": round(float(firing.weight_sum), 4),
        "residual": round(float(firing.residual), 4),
        "tail_fired": bool(firing.tail_fired),
        "fires": [
            round(transcription.grid.seconds(f), 4) for f in firing.fire_positions[0].tolist()
        ],
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)


def transcription_table(path: Path, model: str, transcription: Any) -> str:
    """Tokens with times and scores, for a terminal."""
    tokens = transcription.alignment.tokens
    names = [printable(token.token) for token in tokens]
    width = max([5, *map(len, names)])
    known = f"model {printable(model)}, {transcription.config.vocabulary_text}"
    if tokens:
        known += f", mean score {transcription.mean_score:.2f}"
    lines = [f"{printable(path.name)}  ({transcription.duration:.2f} s, {known})"]
    lines.append(f"  {'token':<{width}}  start s   end s  score")
    lines += [
        f"  {name:<{width}}  {token.start:7.2f} {token.end:7.2f}  {token.score:5.2f}"
        for name, token in zip(names, tokens, strict=True)
    ]
    if not tokens:
        lines.append("  (no token fired)")
    if transcription.warning:
        lines.append(f"  warning: {transcription.warning}")
    return "\n".join(lines)
