"""The recipes that made the checkpoints, and their variants: which data, which model, how long.

`experiments.runs` runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cifviz.audio.waveform import LogMel
from cifviz.core.module import CIFConfig
from cifviz.errors import require_choice
from cifviz.systems.attention import AttentionRecognizerConfig
from cifviz.systems.cif import CIFRecognizerConfig
from cifviz.systems.ctc import CTCRecognizerConfig
from cifviz.systems.decoders import DecoderConfig
from cifviz.systems.encoder import EncoderConfig
from cifviz.training.augmentation import Augmentation, Recording
from cifviz.training.fit import FitConfig, Schedule
from experiments.measure import Spoken
from experiments.studies.robustness_sets import joined_strings
from experiments.training_data import (
    DIGITS,
    GRID,
    an4_phones,
    an4_recordings,
    digit_string,
    grid_sentence,
    spoken_sentences,
    spoken_strings,
    spoken_takes,
    synthetic,
)


@dataclass(frozen=True)
class Recipe:
    """Everything that is fixed before training starts."""

    name: str
    config: Any
    """The configuration of its system."""
    real: Callable[[], list[Spoken]]
    """Real training utterances."""
    synthetic: Callable[[], list[Spoken]]
    """Synthesised training utterances."""
    dev: Callable[[], list[Spoken]]
    synthetic_dev: Callable[[], list[Spoken]]
    """Synthesised utterances that nothing is trained on, as many as of the development set."""
    test: Callable[[], list[Spoken]] | None
    """None where only a development set exists."""
    joined: Callable[[], list[Spoken]] | None = None
    """Utterances of the test set, joined to five minutes."""
    system: str = "cif"
    """What is trained, of `cifviz.systems.registry.SYSTEMS`."""
    variant: str = ""
    """Which of `VARIANTS` this is; the recipe itself has none."""
    weights_of: str | None = None
    """The variant whose weights it uses, where it differs in inference alone."""
    fit: FitConfig = field(default_factory=FitConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    synthetic_share: float = 0.25
    cepstral: Callable[[Any], list[Recording]] | None = None
    """Utterances of many more speakers, of which only cepstra are published; ids beyond the
    vocabulary are other words."""
    cepstral_share: float = 0.2
    """Of those among them that hold nothing but the vocabulary."""
    pronunciations: Callable[[Any], list[tuple[int, ...]]] | None = None
    """Phones of each word, to be learned beside the words."""
    phonetic_share: float = 0.25
    """Of all of the cepstral ones, drawn for the sake of their phones."""
    corpora: tuple[str, ...] = ()
    """Data sets that it reads, whose checksums a result keeps."""
    sources: str = ""
    """Data sets and their licences, for the model card."""
    licence: str = ""
    """Of the weights."""
    grammar: str = ""
    """Name of the grammar that the vocabulary is of."""


PAUSE_FRAMES = 5
"""0.2 s: longer than the closure of a plosive inside a word."""


def _recognizer(
    vocabulary: Sequence[str],
    *,
    f_max: float,
    n_mels: int,
    dilations: tuple[int, ...],
    decoder: str,
    channels: int = 144,
) -> CIFRecognizerConfig:
    return CIFRecognizerConfig(
        vocabulary=tuple(vocabulary),
        features=LogMel(n_mels=n_mels, f_max=f_max),
        encoder=EncoderConfig(n_mels=n_mels, channels=channels, dilations=dilations),
        cif=CIFConfig(
            encoder_embed_dim=channels,
            conv_cif_output_channels_num=channels,
            conv_cif_activation=True,
            noise_threshold=0.005,
            pause_frames=PAUSE_FRAMES,
        ),
        decoder=DecoderConfig(decoder, dim=channels),
    )


RECIPES = {
    "digits": Recipe(
        name="digits",
        # The recordings hold nothing above 4 kHz, so nothing above is looked at.
        # Sees 0.4 s to either side, about a word.
        config=_recognizer(
            DIGITS, f_max=4000.0, n_mels=40, dilations=(1, 1, 1, 1, 1), decoder="nar"
        ),
        real=spoken_takes,
        synthetic=lambda: synthetic(digit_string, 1400),
        dev=lambda: spoken_strings("dev"),
        synthetic_dev=lambda: synthetic(digit_string, 200, seed=1),
        test=lambda: spoken_strings("test"),
        joined=joined_strings,
        cepstral=an4_recordings,
        pronunciations=an4_phones,
        fit=FitConfig(steps=1300, batch_size=32, loss_weights={"even": 1.0}),
        augmentation=Augmentation(max_tokens=8),
        synthetic_share=0.4,
        corpora=("digits", "an4"),
        licence="CC BY-SA 4.0, as the recordings",
        sources="Free Spoken Digit Dataset (Jackson et al., CC BY-SA 4.0), four speakers; "
        "cepstra of CMU's AN4 (Carnegie Mellon University, BSD-style), 74 speakers, of other words "
        "than digits too, for their phones; digit strings synthesised with eSpeak NG",
    ),
    "grid": Recipe(
        name="grid",
        config=_recognizer(
            [word for group in GRID for word in group],
            f_max=7600.0,
            n_mels=56,
            dilations=(1, 2, 4, 1, 2, 4),
            decoder="ar",
        ),
        real=lambda: spoken_sentences("train"),
        synthetic=lambda: synthetic(grid_sentence, 1400),
        dev=lambda: spoken_sentences("dev"),
        synthetic_dev=lambda: synthetic(grid_sentence, 100, seed=1),
        test=None,
        fit=FitConfig(steps=2500, loss_weights={"even": 1.0}),
        # One speaker and one microphone: what is varied serves the synthesised voices.
        augmentation=Augmentation(tempo=0.12, warp=0.08, noise=0.4, hush=0.0),
        synthetic_share=0.35,
        corpora=("grid",),
        grammar="GRID",
        licence="CC BY 4.0, as the recordings",
        sources="GRID corpus, talker 1 (Cooke, Barker, Cunningham & Shao 2006, CC BY 4.0 as its "
        "users state); sentences of its grammar synthesised with eSpeak NG",
    ),
}
"""Recipes by name."""


def _plain(recipe: Recipe, loss_weights: Mapping[str, float | Schedule] | None = None) -> Recipe:
    """Of all that the recipes add to the CIF of the paper nothing, or other weights of losses."""
    fit = replace(recipe.fit, loss_weights=loss_weights or {})
    return replace(_pausing(recipe, 0), fit=fit)


def _pausing(recipe: Recipe, frames: int) -> Recipe:
    cif = replace(recipe.config.cif, pause_frames=frames)
    return replace(recipe, config=replace(recipe.config, cif=cif))


FOLLOWING = Schedule(start=0.25)
"""Of the losses that follow CTC, which has to find the tokens first."""
ATTENTION_LAYERS = 2
"""With one alone no token depends on where the token before it attended."""
PRIOR_WEIGHT = 0.1
"""How much of the label priors CTC subtracts where it does."""


def _weighing(recipe: Recipe, **settings: Any) -> Recipe:
    """Like `_plain`, but with other weights: keys of `CIFConfig`."""
    recipe = _plain(recipe)
    cif = replace(recipe.config.cif, **settings)
    return replace(recipe, config=replace(recipe.config, cif=cif))


def _in_frames_of(feature_frames: int) -> Callable[[Recipe], Recipe]:
    def change(recipe: Recipe) -> Recipe:
        encoder = replace(recipe.config.encoder, down_sampling=feature_frames)
        return _plain(replace(recipe, config=replace(recipe.config, encoder=encoder)))

    return change


def _system(name: str) -> Callable[[Recipe], Recipe]:
    return lambda recipe: _plain(replace(recipe, system=name))


def _ctc(recipe: Recipe, prior_weight: float = 0.0) -> Recipe:
    recipe, config = _plain(recipe), recipe.config
    ctc = CTCRecognizerConfig(config.vocabulary, config.features, config.encoder, prior_weight)
    return replace(recipe, system="ctc", config=ctc)


def _attention(recipe: Recipe) -> Recipe:
    recipe, config = _longer(_plain(recipe)), recipe.config
    decoder = replace(config.decoder, layers=ATTENTION_LAYERS)
    attention = AttentionRecognizerConfig(
        config.vocabulary, config.features, config.encoder, decoder
    )
    return replace(recipe, system="attention", config=attention)


def _longer(recipe: Recipe) -> Recipe:
    """Twice as long: attention finds the places of the tokens late."""
    return replace(recipe, fit=replace(recipe.fit, steps=2 * recipe.fit.steps))


VARIANTS: dict[str, Callable[[Recipe], Recipe]] = {
    "plain": _plain,
    "pauses": lambda recipe: replace(_pausing(_plain(recipe), PAUSE_FRAMES), weights_of="plain"),
    "segments": lambda recipe: _plain(recipe, {"segments": FOLLOWING}),
    "spikes": lambda recipe: _plain(recipe, {"spikes": FOLLOWING}),
    "borders": lambda recipe: _plain(recipe, {"borders": FOLLOWING}),
    "even": lambda recipe: replace(_pausing(recipe, 0), weights_of=""),
    "linear": lambda recipe: _weighing(recipe, produce_weight_type="linear"),
    "dense": lambda recipe: _weighing(
        recipe,
        produce_weight_type="dense",
        dense_cif_units_num=recipe.config.cif.encoder_embed_dim,
    ),
    "affine": lambda recipe: _weighing(recipe, conv_cif_activation=False),
    "wide": lambda recipe: _weighing(recipe, conv_cif_width=5),
    "unscaled": lambda recipe: _weighing(recipe, apply_scaling=False),
    "no-quantity": lambda recipe: _plain(recipe, {"quantity": 0.0}),
    "20ms": _in_frames_of(2),
    "80ms": _in_frames_of(8),
    "upsampled": _system("upsampled"),
    "blank-weighted": _system("blank-weighted"),
    "ctc": _ctc,
    "ctc-priors": lambda recipe: _ctc(recipe, PRIOR_WEIGHT),
    "attention": _attention,
}
"""What is compared with the recipes. "plain" is the CIF of the paper with a CTC beside it, all but
"even" change one thing about that, and "even" lacks one thing of the recipe."""


def find_recipe(name: str, variant: str = "") -> Recipe:
    """The recipe of that name, or a variant of it; unknown ones are answered with the known."""
    require_choice("recipe", name, list(RECIPES))
    if not variant:
        return RECIPES[name]
    require_choice("variant", variant, list(VARIANTS))
    return replace(VARIANTS[variant](RECIPES[name]), variant=variant)
