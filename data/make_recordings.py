"""Make the numbers of real utterances that ship: ``CIFVIZ_DATA=… python data/make_recordings.py``.

They hold no audio: log-mel features, the weights that a shipped model gives for them, and the word
times of the data set. When the models are published anew, the weights are others: run it again.
Besides, it makes the states that the pretrained encoder of ``cifviz[english]`` has for two clips.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save

from cifviz.audio.moonshine import load_moonshine
from cifviz.corpora import clip_states
from cifviz.corpora.clips import load_clip
from cifviz.corpora.corpus_registry import REGISTRY
from cifviz.corpora.feature_excerpts import ENTRIES, NUMBERS, corpus_utterance, sound_hash
from cifviz.corpora.pronunciation import pronounce
from cifviz.formats import write_json
from cifviz.resources import write_atomically
from cifviz.systems.checkpoints import load_model


class RecordingRecipe(NamedTuple):
    """One recording: an utterance that no shipped model was trained on."""

    name: str
    corpus: str
    id: str
    description: str


# Chosen by words and speakers, before any model had transcribed them: two strings of each speaker,
# and of the sentences the first one in the alphabet that begins with each verb.
RECORDINGS = (
    RecordingRecipe("digits_george", "digits", "te0001", "five digits of a slow speaker"),
    RecordingRecipe("digits_george_long", "digits", "te0005", "eight digits, slow, with pauses"),
    RecordingRecipe("digits_jackson", "digits", "te0038", "six digits without pauses"),
    RecordingRecipe(
        "digits_jackson_pauses", "digits", "te0034", "a digit twice and pauses of 0.2 s"
    ),
    RecordingRecipe("digits_nicolas", "digits", "te0054", "five digits, some with pauses"),
    RecordingRecipe(
        "digits_nicolas_repeated", "digits", "te0045", "a digit twice without a pause between"
    ),
    RecordingRecipe("digits_yweweler", "digits", "te0024", "five digits of a fast speaker"),
    RecordingRecipe("digits_yweweler_long", "digits", "te0050", "eight digits of a fast speaker"),
    RecordingRecipe("sentence_bin", "grid", "bbaf5a", "a sentence of GRID"),
    RecordingRecipe("sentence_lay", "grid", "lbak1s", "a sentence of GRID"),
    RecordingRecipe("sentence_place", "grid", "pbbp5a", "a sentence of GRID"),
    RecordingRecipe("sentence_set", "grid", "sbaa4n", "a sentence of GRID"),
)

# What was spoken, then with another word, a word too many, and a word too few.
TRANSCRIPTS = {
    "natural_river": (
        "When morning comes, we walk along the river.",
        "When dinner comes, we walk along the river.",
        "When morning comes, we slowly walk along the river.",
        "When morning comes, we walk the river.",
    ),
    "natural_lake": (
        "The small boat drifted slowly across a quiet lake.",
        "The small boat drifted slowly across a quiet road.",
        "The small boat drifted very slowly across a quiet lake.",
        "The small boat drifted across a quiet lake.",
    ),
}


def main() -> None:
    """Make all recordings in the folder that the command line names."""
    parser = argparse.ArgumentParser(description="Make the recordings that ship with cifviz.")
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent / "recordings", help="where to write"
    )
    folder = parser.parse_args().folder
    make(folder)
    make_clip_states(folder)


@torch.inference_mode()
def make(folder: Path) -> None:
    """Make both files in an existing folder."""
    numbers, entries = {}, []
    for recipe in RECORDINGS:
        model, data_set = load_model(recipe.corpus), REGISTRY[recipe.corpus]
        waveform, words, speaker = corpus_utterance(recipe.corpus, recipe.id)
        log_mel = model.config.features(waveform).half().contiguous()
        transcription = model.transcribe_features(log_mel, duration=waveform.duration)
        numbers[f"{recipe.name}/log_mel"] = log_mel
        numbers[f"{recipe.name}/alpha"] = transcription.firing.alpha[0].float().clone()
        entries.append(
            {
                **recipe._asdict(),
                "speaker": speaker,
                "duration": waveform.duration,
                "words": words,
                "feature_shift": model.config.features.grid.shift,
                "shift": model.grid.shift,
                "model": recipe.corpus,
                "source": data_set.source,
                "licence": data_set.licence,
                "attribution": data_set.attribution,
                "sha256": sound_hash(waveform),
            }
        )
    write_atomically(folder / NUMBERS, lambda part: part.write_bytes(save(numbers)), overwrite=True)
    write_json(folder / ENTRIES, entries, overwrite=True)


def make_clip_states(folder: Path) -> None:
    """Make both files of `cifviz.corpora.clip_states` in an existing folder."""
    encoder, numbers, entries = load_moonshine(), {}, []
    for name, texts in TRANSCRIPTS.items():
        numbers[name] = encoder.states(load_clip(name).waveform).half().contiguous()
        spoken = [{"text": text, "words": list(map(asdict, pronounce(text)))} for text in texts]
        entries.append({"name": name, "transcripts": spoken})
    path = folder / clip_states.NUMBERS
    write_atomically(path, lambda part: part.write_bytes(save(numbers)), overwrite=True)
    write_json(folder / clip_states.ENTRIES, entries, overwrite=True)


if __name__ == "__main__":
    main()
