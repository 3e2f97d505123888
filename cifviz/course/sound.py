"""Players for notebooks: a whole clip, or each token of it with its name beside it."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

from cifviz.audio.waveform import Waveform
from cifviz.explorer.sound_pieces import flac_of
from cifviz.notebooks.cell_output import emit
from cifviz.systems.transcription import Transcription


def play(waveform: Waveform, label: str) -> None:
    """Show a player for a sound, with its name.

    Parameters
    ----------
    waveform : Waveform
        It is played at its own level.
    label : str
        What it is; screen readers read it out.
    """
    play_all([(label, waveform)])


def play_tokens(transcription: Transcription) -> None:
    """Show a small player for each token of a transcription, in order of time.

    Parameters
    ----------
    transcription : Transcription
        What a recogniser returned. One without tokens shows a sentence instead.
    """
    sounds = [
        (f"{token.token} ({token.start:.2f} to {token.end:.2f} s)", transcription.cut(index))
        for index, token in enumerate(transcription.alignment)
        if token.is_timed
    ]
    play_all(sounds)


def play_all(sounds: Sequence[tuple[str, Waveform]]) -> None:
    """Show a labelled player for each sound.

    Parameters
    ----------
    sounds : sequence of (str, Waveform)
        Label and sound; an empty one is listed without a player.
    """
    if not sounds:
        emit({"text/plain": "No token fired.", "text/html": "<p>No token fired.</p>"})
        return
    words = "; ".join(f"{label}, {waveform.duration:.2f} s" for label, waveform in sounds)
    cells = "".join(_player(label, waveform) for label, waveform in sounds)
    style = "display:flex;flex-wrap:wrap;gap:0.5em 1em;align-items:end"
    emit({"text/plain": f"Sound: {words}", "text/html": f'<div style="{style}">{cells}</div>'})


def _player(label: str, waveform: Waveform) -> str:
    name = html.escape(label)
    player = "<em>(no sound)</em>"
    if len(waveform.samples):
        named = f'<audio aria-label="{name}" style="height:2em;width:16em"'
        whole = Waveform(waveform.samples.clip(-1, 1), waveform.sample_rate)
        code = base64.b64encode(flac_of(whole)).decode("ascii")
        source = f'<source src="data:audio/flac;base64,{code}" type="audio/flac"/>'
        player = f'{named} controls="controls">{source}</audio>'
    return f'<figure style="margin:0"><figcaption>{name}</figcaption>{player}</figure>'
