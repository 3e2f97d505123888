"""Decode a sound file block by block, by FFmpeg through PyAV, whatever its headers claim.

The limits apply to what was decoded, never to what a header states.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from cifviz.errors import AudioError, require

if TYPE_CHECKING:
    import av

LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
"""Hz: the sample rates that sound is recorded at."""
MOST_CHANNELS = 64
LONGEST = 4 * 3600
"""Seconds of sound in a file."""
MOST_SAMPLES = 2**31
"""Of all channels together: four hours at 48 kHz are 2^30.4 in stereo."""
LARGEST_SAMPLE = 2.0**31
"""Times full scale: integers of up to 32 bits that were written as floats are within it."""
LONGEST_GAP = 0.015
"""Seconds that the times in a file may jump ahead before silence is put there."""
MOST_SILENCE, SILENCE_PER_SOUND = 60, 50
"""Seconds of such silence, at most: so many, and so many more for each second of sound before it.
An encoder that leaves out pauses writes a little sound several times a second even so."""

FORMATS = "mov matroska ogg aac amr mp3 flac wav w64 aiff au caf asf avi nistsphere".split()
"""FFmpeg's names of the containers that are read: none of them can name another file."""
_BLOCK = 1 << 16
"""Samples of all channels that a block holds at least, but for the last."""


def sound_blocks(file: IO[bytes], name: str) -> Iterator[tuple[int, np.ndarray]]:
    """Decode the first sound track of a file.

    Parameters
    ----------
    file : binary file
        Can seek; is read from its beginning.
    name : str
        For messages. The format is known by the content alone.

    Yields
    ------
    int
        The sample rate in Hz, the same for all blocks.
    float32 array (channels, time)
        Finite samples, full scale being ±1.

    Raises
    ------
    AudioError
        If it cannot be decoded, is damaged in the middle, or exceeds a limit of this module.

    Notes
    -----
    Time 0 is the first sample of the track, after the samples that an encoder put before the
    sound: FFmpeg removes those where the container states their number (MP4, MOV, WebM, Ogg, MP3).
    A bare AAC stream (.aac) does not, and stays one or two of its frames of 1024 samples late.
    Where the times in a file jump ahead by more than `LONGEST_GAP`, silence is inserted, up to
    `MOST_SILENCE`. A truncated file is read as far as it goes. The decoder compares no checksums:
    damage that it does not notice is in the samples.
    """
    held: list[np.ndarray] = []
    size, rate = 0, 0
    for rate, samples in _frames(file, name):
        held.append(samples)
        size += samples.size
        if size >= _BLOCK:
            yield rate, _joined(held, name)
            held, size = [], 0
    if size:
        yield rate, _joined(held, name)


def _joined(pieces: list[np.ndarray], name: str) -> np.ndarray:
    """Pieces (channels, time) as one, if their samples can be sound."""
    block = np.concatenate(pieces, axis=1)
    largest = max(block.max(), -block.min())
    require(
        bool(np.isfinite(largest)),
        f"expected finite samples, found NaN or inf in {name}",
        AudioError,
    )
    require(
        bool(largest <= LARGEST_SAMPLE),
        f"expected samples within ±1, or at most {LARGEST_SAMPLE:.3g} for integers written as "
        f"floats, found {largest:.3g} in {name}",
        AudioError,
    )
    return block


def _frames(file: IO[bytes], name: str) -> Iterator[tuple[int, np.ndarray]]:
    """The frames of the first sound track, with silence where the file has gaps."""
    import av

    unreadable = (
        f"expected a sound file (WAV, FLAC, MP3, Ogg, M4A …), cannot read {name}: "
        "it is damaged, or in no format that can be decoded"
    )
    content = _Content(file, can_seek=_is_seekable_format(file, name))
    try:
        with av.open(
            content,
            "r",
            options={"format_whitelist": ",".join(FORMATS)},
            metadata_errors="replace",
            io_open=open_nothing,
        ) as container:
            require(
                len(container.streams.audio) > 0,
                f"expected a sound file, {name} holds no sound",
                AudioError,
            )
            stream = container.streams.audio[0]
            codec = stream.codec_context
            require(codec is not None, unreadable, AudioError)  # none that FFmpeg knows
            _require_recorded(codec.sample_rate, codec.channels, name)
            yield from _in_time(_packets(container, stream, name, unreadable), name)
    except AudioError:
        raise
    except (av.FFmpegError, ValueError) as error:  # ValueError: a sample format without an array
        raise AudioError(unreadable) from error


def _is_seekable_format(file: IO[bytes], name: str) -> bool:
    """Whether FFmpeg may seek in the file, by its first bytes; leaves it at its beginning."""
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    require(head != b"", f"expected a sound file, {name} is empty", AudioError)
    require(  # FFmpeg would take its samples for little-endian ones, and play noise
        head[:4] != b"RIFX",
        f"expected a sound file, {name} is a big-endian WAV (RIFX), which is not read: convert it",
        AudioError,
    )
    return head[8:] != b"WAVE"  # see `_Content`


def _packets(
    container: av.container.InputContainer, stream: av.AudioStream, name: str, unreadable: str
) -> Iterator[av.AudioFrame]:
    """Decode packet by packet: a damaged one is accepted at the beginning or end only."""
    import av

    begun = damaged = failed = False
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.FFmpegError:
            damaged, failed = begun, True
            continue
        # An empty packet, the last, asks the decoder for its buffered frames.
        require(
            not (damaged and frames and packet.size),
            f"expected a whole sound file, {name} is damaged in the middle",
            AudioError,
        )
        begun = begun or bool(frames)
        yield from frames
    require(begun or not failed, unreadable, AudioError)


def _in_time(frames: Iterator[av.AudioFrame], name: str) -> Iterator[tuple[int, np.ndarray]]:
    """Samples of the frames, and silence where their times jump ahead; all within the limits."""
    rate = channels = count = silence = 0
    start: float | None = None
    for frame in frames:
        # 1. The first frame decides about the sample rate and the channels.
        if not count:
            rate, channels = frame.sample_rate, frame.layout.nb_channels
            _require_recorded(rate, channels, name)
            start = frame.time
        require(
            (rate, channels) == (frame.sample_rate, frame.layout.nb_channels),
            f"expected one sample rate and one number of channels, {name} changes them",
            AudioError,
        )

        # 2. The gap before the frame, and the limits.
        late = 0.0 if start is None or frame.time is None else frame.time - start - count / rate
        gap = round(late * rate) if late > LONGEST_GAP else 0
        silence += gap
        require(
            silence <= MOST_SILENCE * rate + SILENCE_PER_SOUND * (count - silence + gap),
            f"expected sound without long gaps, the times in {name} jump ahead by {late:.0f} s",
            AudioError,
        )
        count += gap + frame.samples
        require(
            count <= LONGEST * rate and count * channels <= MOST_SAMPLES,
            f"expected at most {LONGEST // 3600} hours of sound and {MOST_SAMPLES:.3g} samples in "
            f"all channels together, {name} holds more",
            AudioError,
        )

        # 3. Silence, in blocks, and the samples.
        for first in range(0, gap, _BLOCK):
            yield rate, np.zeros((channels, min(_BLOCK, gap - first)), np.float32)
        yield rate, _samples(frame)


def _samples(frame: av.AudioFrame) -> np.ndarray:
    """The samples of a frame as float32 (channels, time), full scale being ±1."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and refused as such
            return array.astype(np.float32, order="C")
    half = 2.0 ** (8 * array.dtype.itemsize - 1)
    silence = half if array.dtype.kind == "u" else 0.0
    return ((array - silence) / half).astype(np.float32, order="C")


def _require_recorded(rate: int, channels: int, name: str) -> None:
    """Raise unless sound is recorded at such a rate, in so many channels."""
    require(
        LOWEST_RATE <= rate <= HIGHEST_RATE,
        f"expected a sample rate from {LOWEST_RATE} to {HIGHEST_RATE} Hz, {name} states {rate} Hz",
        AudioError,
    )
    require(
        1 <= channels <= MOST_CHANNELS,
        f"expected 1 to {MOST_CHANNELS} channels, {name} states {channels}",
        AudioError,
    )


class _Content:
    """A file as FFmpeg gets it: without its name, from which it would guess the format.

    Of a WAV file with several data chunks it plays the last where it can seek, and all in their
    order where it cannot.
    """

    def __init__(self, file: IO[bytes], *, can_seek: bool):
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self.seekable = lambda: can_seek


def open_nothing(url: str, _flags: int, _options: dict[str, Any]) -> IO[bytes]:
    """Refuse to open another file that a file names."""
    raise AudioError(f"expected one sound file, it asks for another: {url!a}")
