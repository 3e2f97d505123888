"""Like `cif`, but its units are phones and its frames come from a pretrained encoder of English."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from cifviz.alignment.edge_intervals import EdgeIntervals
from cifviz.alignment.timed_tokens import Alignment, Edges
from cifviz.audio.moonshine import DIM, Moonshine, load_moonshine, num_frames
from cifviz.audio.pauses import LONGEST_WINDOW, quiet
from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.core.firing import Firing
from cifviz.core.module import CIFConfig
from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.pronunciation import VOICE, SpokenWord, pronounce
from cifviz.errors import require, require_type, shown
from cifviz.metrics import weight_sum_error
from cifviz.systems.alignment_losses import ALIGNMENT_LOSSES
from cifviz.systems.base import Metric
from cifviz.systems.cif import CIFRecognizer, CIFRecognizerConfig
from cifviz.systems.decoded_text import about_decoded, decoded_words, is_made_up
from cifviz.systems.decoders import LABEL_SMOOTHING, DecoderConfig
from cifviz.systems.encoded_sound import (
    STATES,
    EncodedSound,
    encoded_sounds,
    require_rate,
    states_of,
)
from cifviz.systems.encoder import EncoderConfig
from cifviz.systems.encoder_system import Encoded, Sound
from cifviz.systems.long_sound import align_long, hear_long
from cifviz.systems.long_transcription import LongTranscription
from cifviz.systems.other_languages import unjudged
from cifviz.systems.phone_alignment import (
    FREE_WEIGHTS,
    aligned,
    learn_word_edges,
    phone_evidence,
    recognised,
)
from cifviz.systems.stretch_losses import frame_cross_entropy, stretch_cross_entropy
from cifviz.systems.transcription import Transcription
from cifviz.systems.word_checks import checked
from cifviz.systems.word_intervals import learn_word_intervals, with_intervals
from cifviz.timing import FrameGrid

DEFAULT_PATH = "segments"
"""How phones find their frames, of `cifviz.systems.phone_paths.PATHS`."""


@dataclass(frozen=True)
class PhoneCIFConfig(CIFRecognizerConfig):
    """Everything that makes a `PhoneCIFRecognizer`, but for its weights.

    `features` are for pictures alone; `encoder` is what looks at the states.
    """

    vocabulary: tuple[str, ...] = PHONES
    encoder: EncoderConfig = field(
        default_factory=lambda: EncoderConfig(
            n_mels=DIM, channels=128, down_sampling=1, dilations=(1, 2, 4)
        )
    )
    cif: CIFConfig = field(
        default_factory=lambda: CIFConfig(encoder_embed_dim=128, conv_cif_output_channels_num=128)
    )
    decoder: DecoderConfig = field(default_factory=lambda: DecoderConfig(kind="projection"))
    edges: Edges = field(default_factory=lambda: Edges(cut="fires"))
    """Where token times are read; phones touch, and between them are no valleys."""
    intervals: EdgeIntervals | None = None
    """How far off the edges of words may be; None: nothing is known about it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require_rate(self.features)

    @property
    def vocabulary_text(self) -> str:
        """Size and kind of the vocabulary, in one line."""
        return f"{len(self.vocabulary)} phones"

    @property
    def input_dim(self) -> int:
        """Values of a state."""
        return DIM

    @property
    def grid(self) -> FrameGrid:
        """Clock of the encoder's frames; with a down-sampling of 1 that of the states."""
        return Moonshine.grid.downsampled(self.encoder.down_sampling)


def _free_weight_sum_error(
    transcriptions: Sequence[Transcription], references: Sequence[Alignment]
) -> dict[str, float]:
    """Mean and mean absolute value of Σα − N, of the weights as they came, in phones."""
    sums = [float(one.extras[FREE_WEIGHTS].sum()) for one in transcriptions]
    return weight_sum_error(sums, [len(phones) for phones in references])


class PhoneCIFRecognizer(CIFRecognizer):
    """Like `CIFRecognizer`, but its units are phones and its encoder begins with Moonshine's.

    The pretrained encoder is frozen and no part of the model: its states, see
    `cifviz.audio.moonshine.Moonshine.states`, take the place of log-mel in a `Batch`, and they can
    be computed once and kept. What is trained, saved and loaded is the head on them: convolutions
    that look a third of a second to each side, CIF with CTC beside it, and a decoder that gives
    each phone from its own fire. By default it has 0.35 million parameters.

    Parameters
    ----------
    config : PhoneCIFConfig
        What to build.

    Notes
    -----
    A transcription has the states in its `extras`, under `STATES`, for the text decoder of the same
    encoder. Its tokens are phones of `cifviz.corpora.phone_inventory.PHONES`. Its log-mel is for
    pictures. A weight too much makes all later fires of a CIF come early, so phones are not where
    the weights as they come would fire: the sound is cut into stretches that weigh about one and
    sound like one phone (`cifviz.systems.free_segments`), the weights are scaled to one in each,
    and fire again. As they came they are in `extras`, under "free_weights".

    Sound is encoded with the extra ``cifviz[english]``; without it a model loads, trains on states
    and transcribes recorded ones.

    Examples
    --------
    With all parameters zero every state weighs 1/2 and all phones are alike, so two make a phone.
    Frame t begins at ``0.014 + 0.024 t`` s, and edges are read at 30 and 70 % of a phone's mass:

    >>> model = PhoneCIFRecognizer(PhoneCIFConfig()).eval()
    >>> for parameter in model.parameters():
    ...     _ = torch.nn.init.zeros_(parameter)
    >>> states, log_mel = torch.zeros(4, 288), torch.zeros(14, 40)
    >>> found = model.transcribe_states(states, log_mel, duration=0.14)
    >>> [(one.token, round(one.start, 4), round(one.end, 4)) for one in found.alignment]
    [('p', 0.0284, 0.0476), ('p', 0.0764, 0.0956)]
    """

    Config = PhoneCIFConfig
    config: PhoneCIFConfig
    further_losses = (*ALIGNMENT_LOSSES, "stretches", "frames")
    metrics: ClassVar[Mapping[str, Metric]] = {
        **CIFRecognizer.metrics,
        "weight_sum_error": _free_weight_sum_error,
    }

    def own_losses(
        self,
        firing: Firing,
        adapted: Tensor,
        encoded: Encoded,
        *,
        wanted: Collection[str],
    ) -> dict[str, Tensor]:
        """Cross-entropy of phones judged from their known spans, or from each frame of them."""
        batch = encoded.batch
        shrink = self.config.encoder.down_sampling
        batch = replace(batch, spans=batch.spans / shrink)
        losses = {}
        if "stretches" in wanted:
            losses["stretches"] = stretch_cross_entropy(
                firing,
                encoded.encoder_out,
                batch,
                self._pointwise,
                label_smoothing=LABEL_SMOOTHING,
            )
        if "frames" in wanted:
            losses["frames"] = frame_cross_entropy(
                encoded.encoder_out, batch, self._pointwise, encoded.frame_lengths
            )
        return losses

    def _pointwise(self, embeddings: Tensor, counts: Tensor) -> Tensor:
        """Logits of embeddings that the decoder judges one by one."""
        logits: Tensor = self.decoder(embeddings, counts, counts)
        return logits

    def inputs(self, sound: Sound) -> Tensor:
        """The states of a sound (frames, 288)."""
        return states_of(sound, otherwise=", or recorded states (transcribe_states)")

    def sounds(self, waveforms: Sequence[Waveform]) -> list[Sound]:
        """Waveforms with their log-mel features and the pretrained encoder's states.

        Raises
        ------
        CIFError
            If one is no `Waveform`.
        AudioError
            If its sample rate is not 16 kHz, or it is longer than half a minute.
        CheckpointError
            If the extra ``cifviz[english]`` is not installed.
        """
        return encoded_sounds(super().sounds(waveforms), waveforms, load_moonshine())

    def transcribe_states(
        self, states: Tensor, log_mel: Tensor, *, duration: float
    ) -> Transcription:
        """Like `transcribe`, but of an utterance whose states are given.

        Parameters
        ----------
        states : Tensor (frames, 288)
            As `cifviz.audio.moonshine.Moonshine.states` gives them.
        log_mel : Tensor (feature_frames, n_mels)
            Natural logarithm of mel power, as ``config.features`` gives it for the sound.
        duration : float >= 0
            Length of the sound, seconds.

        Returns
        -------
        Transcription
            What `transcribe` gives for the sound, but for its `waveform`, which is None.

        Raises
        ------
        CIFError
            If these cannot be states or features of so much sound, or the model is in training
            mode.
        """
        return self._transcribe([self._recorded(states, log_mel, duration)])[0]

    def _recorded(self, states: Tensor, log_mel: Tensor, duration: float) -> EncodedSound:
        """An utterance whose states are given, checked as `transcribe_states` says."""
        self.require_evaluation_mode()
        recorded = self.recorded(log_mel, duration)
        require_type("states", states, Tensor)
        frames = num_frames(round(duration * SAMPLE_RATE))
        require(
            states.is_floating_point() and tuple(states.shape) == (frames, DIM),
            f"expected the states of {duration:g} s as floats {(frames, DIM)}"
            f", got {states.dtype} {tuple(states.shape)}",
        )
        require(bool(states.isfinite().all()), "states must be finite, got NaN or inf")
        return EncodedSound(**vars(recorded), states=states.float())

    def transcriptions(self, sounds: Sequence[Sound], encoded: Encoded) -> list[Transcription]:
        """The phones of each sound by `cifviz.systems.phone_alignment.recognised`.

        Raises
        ------
        CIFError
            If the decoder is another one than "projection", or there are context layers.
        """
        return [
            recognised(self, sound, phone_evidence(self, encoded, number))
            for number, sound in enumerate(sounds)
        ]

    def align(
        self,
        waveform: Waveform,
        text: str,
        *,
        language: str = VOICE,
        path: str = DEFAULT_PATH,
        progress: bool = False,
    ) -> Transcription | LongTranscription:
        """Where in a sound the words of its transcript lie, and their phones.

        Parameters
        ----------
        waveform : Waveform
            At 16 kHz, of any length.
        text : str
            Its transcript, as people write: with punctuation, numerals and abbreviations.
        language : str
            A voice of eSpeak NG, such as "en-gb". Another language than English, such as "cs", is
            experimental (`cifviz.systems.other_languages`), and for half a minute at most.
        path : str
            How the phones find their frames, of `cifviz.systems.phone_paths.PATHS`.
        progress : bool
            Whether bars on standard error show how far a long sound is.

        Returns
        -------
        Transcription, or LongTranscription of a sound longer than 28 s
            Of the phones, one fire each, with the `words`; without any for a text without words.
            All are untimed where the sound is too short for them, and those are that would lie in
            silence (`cifviz.systems.word_checks.checked`).

        See Also
        --------
        cifviz.systems.long_sound.align_long : how a long sound is cut.

        Raises
        ------
        AudioError
            If the sound has another sample rate.
        CIFError
            If a word cannot be pronounced, there is no such path or voice, the model is in
            training mode, or a sound of more than 28 s is in another language.
        CheckpointError
            If the extra ``cifviz[english]`` is not installed.
        """
        self.require_evaluation_mode()
        require_type("language", language, str)
        words = pronounce(text, voice=language)
        is_english = language.startswith("en")
        require_type("waveform", waveform, Waveform)
        if waveform.duration > LONGEST_WINDOW:
            require(
                is_english,
                f"a sound of more than {LONGEST_WINDOW:g} s is aligned in English alone, "
                f"got language {shown(language)} and {waveform.duration:.0f} s",
            )
            return align_long(self, waveform, words, path=path, progress=progress)
        (sound,) = self.sounds([waveform])
        found = checked(self._aligned(sound, words, path), words)
        return found if is_english else unjudged(found, language)

    def align_states(
        self,
        states: Tensor,
        log_mel: Tensor,
        words: Sequence[SpokenWord],
        *,
        duration: float,
        path: str = DEFAULT_PATH,
    ) -> Transcription:
        """Like `align`, but of an utterance whose states are given, and of words with their phones.

        Parameters
        ----------
        states, log_mel, duration
            As for `transcribe_states`.
        words : sequence of SpokenWord
            As `cifviz.corpora.pronunciation.pronounce` gives them.
        path : str
            As for `align`.

        Returns
        -------
        Transcription
            What `align` gives for the sound, but for its `waveform`, which is None.

        Raises
        ------
        CIFError
            As for `transcribe_states`, and if `words` are others than these, a phone is not in the
            vocabulary or there is no such path.
        """
        is_list = isinstance(words, Sequence) and not isinstance(words, str | bytes)
        require(is_list, f"words must be a sequence of SpokenWord, got {shown(words)}")
        for number, word in enumerate(words):
            require_type(f"word {number}", word, SpokenWord)
        return self._aligned(self._recorded(states, log_mel, duration), words, path)

    def hear(
        self, waveform: Waveform, *, path: str = DEFAULT_PATH, progress: bool = False
    ) -> Transcription | LongTranscription:
        """Like `align`, but of the text that the decoder of the pretrained encoder hears.

        Parameters
        ----------
        waveform, path, progress
            As for `align`.

        Returns
        -------
        Transcription, or LongTranscription of a sound longer than 28 s
            As of `align`. Without words where nobody speaks, or none of the words that the decoder
            gives is probably in the sound: it makes up words there.
        """
        self.require_evaluation_mode()
        require_type("waveform", waveform, Waveform)
        if waveform.duration > LONGEST_WINDOW:
            return hear_long(self, waveform, path=path, progress=progress)
        (sound,) = self.sounds([waveform])
        is_silent = bool(quiet(waveform).all())
        words = decoded_words("" if is_silent else load_moonshine().decode(self.inputs(sound)))
        found = checked(self._aligned(sound, words, path), words)
        if is_made_up(found):
            found = checked(self._aligned(sound, (), path), ())
        return replace(found, misfit=about_decoded(found.misfit))

    @torch.inference_mode()
    def _aligned(self, sound: Sound, words: Sequence[SpokenWord], path: str) -> Transcription:
        found = aligned(self, sound, self.encoded([sound]), words, path=path)
        return with_intervals(found, self.config.intervals)

    def learn_edges(self, pairs: Sequence[tuple[Transcription, Alignment]]) -> Edges:
        """Learn where token edges are read from the times of words, and keep it.

        Parameters
        ----------
        pairs : sequence of (Transcription, Alignment)
            What `align` gave for development utterances, and the true times of their words.

        Raises
        ------
        CIFError
            If one was not aligned, there are not as many words in both.
        """
        edges = learn_word_edges(pairs)
        self.config = replace(self.config, edges=edges)
        return edges

    def learn_intervals(
        self,
        pairs: Sequence[tuple[Transcription, Alignment]],
        *,
        reference_errors: Sequence[float] = (0.0,),
    ) -> EdgeIntervals:
        """Learn how far off the edges of words may be, and keep it; after `learn_edges`.

        Parameters
        ----------
        pairs : sequence of (Transcription, Alignment)
            What `align` gave for development utterances, and the true times of their words.
        reference_errors : sequence of float
            How far off these are themselves, seconds; see
            `cifviz.alignment.edge_intervals.learn_intervals`.

        Raises
        ------
        CIFError
            If one was not aligned, there are not as many words in both, or fewer than 20 in all.
        """
        intervals = learn_word_intervals(pairs, reference_errors=reference_errors)
        self.config = replace(self.config, intervals=intervals)
        return intervals

    def fields(self, sound: Sound) -> dict[str, Any]:
        """The fields of a `Transcription` about what was transcribed, and by which model."""
        rest = super().fields(sound)
        states = rest.pop(STATES)
        return {**rest, "extras": {STATES: states}}
