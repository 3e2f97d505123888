"""`Moonshine`: a pretrained English encoder with its clock, and the decoder trained with it.

Moonshine tiny-en (Jeffries et al. 2024, "Moonshine: Speech Recognition for Live Transcription and
Voice Commands") comes with the extra ``cifviz[english]``: the package moonshine-voice holds the
weights, which its authors release under the MIT licence, and onnxruntime computes with them. Which
recordings it was trained on is not listed, so public ones may be among them: errors on those say
little about other speech. The package itself is never imported, for it wants a microphone; its
files alone are read.

To a system that begins with it, it is what `cifviz.audio.waveform.LogMel` is to one that learns its
own encoder. That is why it stands here, and not with the systems: data sets may hold its states.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import math
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cifviz.audio.waveform import SAMPLE_RATE, Waveform
from cifviz.errors import AudioError, CheckpointError, require, require_type
from cifviz.resources import read_file
from cifviz.timing import FrameGrid

PACKAGE, VERSION = "moonshine-voice", "0.0.49"
"""Where the weights are; later versions fetch them from the network instead."""
FOLDER = "moonshine_voice/assets/tiny-en"
CHECKSUMS = {
    "encoder_model.ort": "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    "decoder_model_merged.ort": "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    "tokenizer.bin": "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
}
"""SHA-256 of the files, the same in the wheels of all platforms."""
HOW_TO_GET = (
    "pip install cifviz[english] gets them on Linux with glibc 2.34, on macOS 15 with Apple "
    "silicon, and on Windows"
)

DIM = 288
"""Values of a state."""
HOP_LENGTH, FIRST_FRAME = 384, 895
"""Samples from one frame to the next, and samples that a frame is computed from at least."""
LONGEST = 30.0
"""Seconds of sound at once. Attention takes memory with the square of it (0.2 GB for these), and in
a minute of speech the decoder begins to repeat itself."""

_BEGIN, _END, _FIRST_MARKER = 1, 2, 32_000
"""Token ids: of the beginning and the end, and of the first that stands for no text."""
_TOKENS_PER_SECOND = 6.5
"""At most so many are decoded: on noise the decoder may repeat itself without end."""
_HEADS, _HEAD_DIM = 8, 36


def num_frames(samples: int) -> int:
    """Frames of a sound of so many samples: ``1 + (samples − 895) // 384``, none below 895.

    >>> num_frames(894), num_frames(895), num_frames(16000)
    (0, 1, 40)
    """
    return max(0, 1 + (samples - FIRST_FRAME) // HOP_LENGTH)


class Moonshine:
    """A pretrained encoder of English speech, and its decoder.

    One thread computes, one utterance at a time: no other utterance changes the result. Other
    processors give slightly other states, for the weights are integers of eight bits. The encoder
    attends to the whole sound, so it is none for streaming: states change when more sound comes.

    Parameters
    ----------
    folder : Path
        Where its three files are; see `load_moonshine`.

    Raises
    ------
    CheckpointError
        If onnxruntime is not installed, or a file is missing or is not the one that it should be.

    Examples
    --------
    >>> moonshine = load_moonshine()  # doctest: +SKIP
    >>> moonshine.states(Waveform(np.zeros(16000, np.float32))).shape  # doctest: +SKIP
    torch.Size([40, 288])
    """

    sample_rate = SAMPLE_RATE
    grid = FrameGrid(HOP_LENGTH / SAMPLE_RATE, 0.014)
    """Clock of the states: the centre of frame t is at ``0.014 + (t + 0.5) · 0.024`` s.

    The middle of the samples that frame t reads lies 2 ms later, at ``(384 t + 447.5) / 16 000`` s;
    where a state answers most to a change of the sound was measured, to within about 2 ms."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._encoder = self._session("encoder_model.ort")

    def states(self, waveform: Waveform) -> Tensor:
        """Encoder output of a sound.

        Parameters
        ----------
        waveform : Waveform
            At 16 kHz, of at most `LONGEST` seconds.

        Returns
        -------
        Tensor (frames, 288), float32
            As many frames as `num_frames` says, at the times of `grid`.

        Raises
        ------
        AudioError
            If the sound has another sample rate or is longer.
        """
        require_type("waveform", waveform, Waveform)
        require(
            waveform.sample_rate == self.sample_rate,
            f"expected audio at {self.sample_rate} Hz, got {waveform.sample_rate} Hz",
            AudioError,
        )
        require(
            waveform.duration <= LONGEST,
            f"expected at most {LONGEST:g} s of sound, got {waveform.duration:.1f} s: cut it first",
            AudioError,
        )
        samples = waveform.samples[None]
        if not num_frames(samples.shape[1]):
            return torch.zeros(0, DIM)
        mask = np.ones(samples.shape, np.int64)
        (states,) = self._encoder.run(None, {"input_values": samples, "attention_mask": mask})
        return torch.from_numpy(states[0])

    def text(self, waveform: Waveform) -> str:
        """`decode` the `states` of a sound."""
        return self.decode(self.states(waveform))

    def decode(self, states: Tensor) -> str:
        """The text that the decoder reads from states, with capitals and punctuation.

        The most probable token is taken at each step. Silence and noise may give words, too:
        the decoder was not made to give none.

        Parameters
        ----------
        states : Tensor (frames, 288)
            What `states` gave.

        Returns
        -------
        str
            Empty without frames. At most 6.5 tokens for each second are read.

        Raises
        ------
        CIFError
            If the states are of another shape.
        """
        # 1. What the decoder looks at.
        require_type("states", states, Tensor)
        require(
            states.ndim == 2 and states.shape[1] == DIM,
            f"states must be (frames, {DIM}), got {tuple(states.shape)}",
        )
        if not len(states):
            return ""
        encoded = states.detach().cpu().float().numpy()[None]
        mask = np.ones((1, HOP_LENGTH * len(states)), np.int64)  # of samples, as for the encoder
        session = self._decoder
        names = [one.name for one in session.get_inputs() if one.name.startswith("past")]
        past = {name: np.zeros((1, _HEADS, 0, _HEAD_DIM), np.float32) for name in names}

        # 2. The most probable token after those before it, whose keys and values are kept.
        ids = [_BEGIN]
        for step in range(math.ceil(_TOKENS_PER_SECOND * len(states) * self.grid.shift)):
            logits, *present = session.run(
                None,
                {
                    "input_ids": np.array([ids[-1:]]),
                    "encoder_hidden_states": encoded,
                    "encoder_attention_mask": mask,
                    "use_cache_branch": np.array([step > 0]),
                    **past,
                },
            )
            new = dict(zip(names, present, strict=True))  # those of the encoder at step 0 alone
            past |= {name: new[name] for name in names if step == 0 or ".decoder." in name}
            ids.append(int(logits[0, -1].argmax()))
            if ids[-1] == _END:
                break

        # 3. Their bytes, U+2581 for a space; a character that was cut off is left out.
        pieces = [self.pieces[one] for one in ids if _END < one < _FIRST_MARKER]
        return b"".join(pieces).decode("utf-8", errors="ignore").replace("\u2581", " ").strip()

    @functools.cached_property
    def _decoder(self) -> Any:
        """Loaded when first used: it is the larger part, and states need none."""
        return self._session("decoder_model_merged.ort")

    @functools.cached_property
    def pieces(self) -> list[bytes]:
        """The bytes of each token, by id; in the file each stands behind their number."""
        content, pieces, place = self.content("tokenizer.bin"), [], 0
        while place < len(content):
            end = place + 1 + content[place]
            pieces.append(content[place + 1 : end])
            place = end
        return pieces

    def content(self, name: str) -> bytes:
        """A file of `CHECKSUMS`, if it is the one that it should be.

        Raises
        ------
        CheckpointError
            If it is missing, or another one.
        """
        path = self._folder / name
        again = "pip install --force-reinstall cifviz[english] gets it again"
        require(path.is_file(), f"there is no file {path}: {again}", CheckpointError)
        content = read_file(path, "part of Moonshine", CheckpointError)
        require(
            hashlib.sha256(content).hexdigest() == CHECKSUMS[name],
            f"{path} is not the file of {PACKAGE} {VERSION}, or is damaged: {again}",
            CheckpointError,
        )
        return content

    def _session(self, name: str) -> Any:
        """A graph on one thread."""
        try:
            import onnxruntime
        except ImportError as error:
            raise CheckpointError(_missing("onnxruntime is not installed")) from error
        content = self.content(name)
        onnxruntime.disable_telemetry_events()  # on Windows it reports which graphs are run
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            return onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common class
            raise CheckpointError(
                f"onnxruntime {onnxruntime.__version__} cannot run {name} of {PACKAGE} {VERSION}: "
                "pip install cifviz[english] gets one that can"
            ) from error


@functools.cache
def load_moonshine() -> Moonshine:
    """The encoder and decoder of the installed package, loaded once.

    Raises
    ------
    CheckpointError
        If the extra ``cifviz[english]`` is not installed, or not as it should be; the message says
        how to get it.
    """
    try:
        found = distribution(PACKAGE)
    except PackageNotFoundError as error:
        raise CheckpointError(_missing(f"{PACKAGE} is not installed")) from error
    require(
        found.version == VERSION, _missing(f"{PACKAGE} is {found.version} here"), CheckpointError
    )
    return Moonshine(Path(str(found.locate_file(FOLDER))))


def has_moonshine() -> bool:
    """Whether the extra ``cifviz[english]`` is installed, in the version that is wanted."""
    try:
        version = distribution(PACKAGE).version
    except PackageNotFoundError:
        return False
    return version == VERSION and importlib.util.find_spec("onnxruntime") is not None


def _missing(reason: str) -> str:
    return (
        f"the English encoder needs the packages {PACKAGE} {VERSION} and onnxruntime, "
        f"but {reason}: {HOW_TO_GET}"
    )
