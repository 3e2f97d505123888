"""A recogniser that is trained in a lesson: digits of synthetic voices, joined to endless strings.

The takes come along in `data/classroom` (`data/make_classroom.py` makes them). They are joined as
the recipes join recordings, and the model learns with the same `fit` as theirs. It is only
smaller.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cifviz.audio.waveform import LogMel
from cifviz.core.module import CIFConfig
from cifviz.corpora.word_lists import DIGITS
from cifviz.errors import DataError, require_integer
from cifviz.formats import read_json
from cifviz.resources import resource
from cifviz.systems.base import Batch
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.training.augmentation import Augmentation, CutAndJoin, Example, Recording
from cifviz.training.fit import FitConfig, fit
from cifviz.training.snapshots import SnapshotRecorder, TrainingSnapshots, snapshot_steps

NUMBERS, ENTRIES = "takes.safetensors", "takes.json"
"""Features of all takes, and what each of them is."""

FEATURES = LogMel(n_mels=40, f_max=4000.0)
"""Those of the model "digits" that ships, so that it can transcribe `cifviz.load_recording` too."""
QUIETEST, RESOLUTION = -23.0, 0.125
"""What 0 and a step of 1 stand for in the file, in nepers of power."""

HELD_OUT = ("en-us", "en-us+f2", "en-us-nyc+Nguyen", "en-gb+f4", "en-gb-scotland+m1")
"""Voices that are not trained on. They speak the clips digits_one to digits_five and
digits_pause."""

CHANNELS = 48
AUGMENTATION = Augmentation(
    max_tokens=6,
    trim=10,
    tempo=0.06,
    warp=0.05,
    tilt=0.15,
    level=0.12,
    hush=0.0,
    noise=0.2,
    masks=0,
    empty=0.02,
)
"""Far less is varied than in the recipes, since it is learnt in seconds."""
AS_SPOKEN = Augmentation(
    max_tokens=7,
    trim=10,
    tempo=0.0,
    warp=0.0,
    tilt=0.0,
    level=0.0,
    hush=0.0,
    noise=0.0,
    masks=0,
    empty=0.0,
)
"""Only the digits and the pauses are varied."""


def quantised(log_mel: Tensor) -> Tensor:
    """Log-mel as the file holds it: whole steps, one byte each.

    >>> quantised(torch.tensor([-23.0259, -22.9, 0.0, 20.0])).tolist()
    [0, 1, 184, 255]
    """
    return ((log_mel - QUIETEST) / RESOLUTION).round().clamp(0, 255).to(torch.uint8)


def takes(*, held_out: bool = False) -> list[Recording]:
    """The takes: a digit each, in voices to train on or in the others.

    Raises
    ------
    DataError
        If the files are missing or damaged.

    Examples
    --------
    Eleven voices to train on say ten digits at three speeds, and five others:

    >>> len(takes()), len(takes(held_out=True))
    (330, 150)
    """
    return [take for take in all_takes() if (take.speaker in HELD_OUT) == held_out]


def strings(count: int, *, seed: int = 0, held_out: bool = False) -> list[Example]:
    """Strings of one to seven digits as the synthesiser made them, joined with and without pauses.

    Parameters
    ----------
    count : int > 0
        How many.
    seed : int >= 0
        Other strings with another one.
    held_out : bool
        In the voices that are not trained on.
    """
    require_integer("count", count, above=0)
    join = _joined(takes(held_out=held_out), AS_SPOKEN)
    return [join(np.random.default_rng([seed, index])) for index in range(count)]


def train(
    *,
    seed: int = 0,
    steps: int = 300,
    quantity_weight: float = 1.0,
    apply_scaling: bool = True,
    informed: bool = True,
    snapshots: int = 25,
) -> TrainingSnapshots:
    """Train a small recogniser of digits, and keep snapshots of it.

    Parameters
    ----------
    seed : int >= 0
        Of the first weights and of everything that is drawn.
    steps : int > 0
        Batches of twelve strings; 300 take some eight seconds of one processor.
    quantity_weight : float >= 0
        0 switches the quantity loss off.
    apply_scaling : bool
        In training, scale the weights to the number of tokens.
    informed : bool
        Start at weights that add up to about as many tokens as there are (`CIF.start_at`), not at
        about 1/2 each.
    snapshots : int > 1
        How many snapshots to keep.

    Returns
    -------
    TrainingSnapshots
        Its curves are of 60 strings in voices that are not trained on.

    Notes
    -----
    It runs on one thread, whatever torch is set to: the result depends on their number, and small
    products are no faster on two. The same seed gives the same result on one machine. Another
    machine may round floats differently, and training amplifies small differences.
    Notebook: notebooks/03_training_film.ipynb
    """
    torch.manual_seed(seed)
    model = CIFRecognizer(_config(apply_scaling))
    join = _joined(takes(), AUGMENTATION)
    if informed:
        examples = [join(np.random.default_rng([seed, index])) for index in range(100)]
        frames = sum(len(one.features) for one in examples) / model.config.encoder.down_sampling
        model.start_at(sum(len(one.tokens) for one in examples) / frames)
    held_out = Batch.collate(*zip(*strings(60, held_out=True), strict=True))
    recorder = SnapshotRecorder(held_out, snapshot_steps(steps, snapshots))
    settings = FitConfig(
        steps=steps,
        batch_size=12,
        learning_rate=5e-3,
        warmup=30,
        loss_weights={"quantity": quantity_weight},
        averaging=0.95,
        save_every=steps,  # never: it is over before
        seed=seed,
    )
    with _one_thread(), tempfile.TemporaryDirectory() as folder:
        _, history = fit(model, join, settings, folder=Path(folder), progress=False, watch=recorder)
    return TrainingSnapshots(tuple(recorder.snapshots), tuple(history))


def _config(apply_scaling: bool) -> CIFRecognizerConfig:
    return CIFRecognizerConfig(
        vocabulary=DIGITS,
        features=FEATURES,
        encoder=EncoderConfig(
            n_mels=FEATURES.n_mels, channels=CHANNELS, dilations=(1, 2), dropout=0.0
        ),
        cif=CIFConfig(
            encoder_embed_dim=CHANNELS,
            conv_cif_output_channels_num=CHANNELS,
            conv_cif_activation=True,
            conv_cif_dropout=0.0,
            apply_scaling=apply_scaling,
        ),
        decoder=DecoderConfig("nar", dim=CHANNELS, dropout=0.0),
    )


def _joined(recordings: list[Recording], augmentation: Augmentation) -> CutAndJoin:
    return CutAndJoin({"takes": recordings}, {"takes": 1.0}, augmentation)


@cache
def all_takes() -> tuple[Recording, ...]:
    """What the files hold, in their order, read once."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    folder = resource("classroom")
    entries = read_json(folder / ENTRIES)
    try:
        steps = load_file(folder / NUMBERS)["log_mel"]
        features = torch.split(
            steps.float() * RESOLUTION + QUIETEST, [e["frames"] for e in entries]
        )
        return tuple(
            Recording(
                log_mel.numpy(),
                (DIGITS.index(entry["word"]),),
                ((entry["start"], entry["end"]),),
                entry["voice"],
            )
            for entry, log_mel in zip(entries, features, strict=True)
        )
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"cannot read the takes in {folder}: {error}") from error


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
