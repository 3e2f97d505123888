"""English speech with word and phone times, for the recipe "english".

Recorded speech has its times from pocketsphinx, where all that is known is the text. Synthesised
speech is read from sentences that pocketsphinx's trigram model makes up: by hibari (Apache-2.0, one
voice; ``pip install hibari-tts==0.2.1``), whose times are pocketsphinx's too, and by eSpeak NG in
all its voices, which reports its own times. Prompts are split by their text, so that no sentence is
in two parts.
"""

from __future__ import annotations

import functools
import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.fft import next_fast_len

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.audio.noise import pink_noise
from cifviz.audio.resampling import resample
from cifviz.audio.waveform import SAMPLE_RATE, Waveform, load_waveform
from cifviz.corpora import datasets
from cifviz.corpora.corpus_registry import corpus_folder
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.corpora.phone_inventory import reduced_phones
from cifviz.corpora.pronunciation import SpokenWord, pronounce
from cifviz.corpora.synthesis import VOICES, synthesize
from cifviz.errors import CIFError, DataError
from experiments.pocketsphinx_times import decoder, phone_times, word_times

DEV_SHARE = 8
"""One prompt in so many is kept out of training."""
SHORTEST = 0.015
"""Seconds that a phone lasts at least: eSpeak NG gives some of them no time at all."""
CLOSURE = 0.12
"""Seconds before a stop that are taken for its closure, where nothing else is said to sound."""
LONGEST_JOINED = 9.0
"""Seconds beyond which no further utterance is joined."""
FILLERS = ("um", "uh")
"""Said now and then in made-up sentences."""
STOPS = frozenset("p b t d k ɡ tʃ dʒ".split())


@dataclass(frozen=True, eq=False)
class PhonedUtterance:
    """A sound with its words and phones in time."""

    waveform: Waveform
    words: Alignment
    phones: Alignment
    speaker: str
    id: str = ""


def english_prompts(part: str) -> Iterator[tuple[str, str, Waveform]]:
    """Id, text and sound of the English prompts of a part, "train" or "dev".

    A prompt belongs to "dev" if the SHA-256 of its text, without capitals, spaces and punctuation,
    is divisible by `DEV_SHARE`.
    """
    folder = corpus_folder("prompts")
    columns = {"prompt_id": str, "lang": str, "path": str, "text": str}
    for row in datasets.read_table(folder / "manifest.csv", columns):
        if row["lang"] == "en" and prompt_part(row["text"]) == part:
            yield row["prompt_id"], row["text"], load_waveform(folder / row["path"])


def prompt_part(text: str) -> str:
    """The part that a prompt belongs to.

    >>> prompt_part("Activated.") == prompt_part("activated")
    True
    """
    plain = "".join(one for one in text.lower() if one.isalnum())
    number = int(hashlib.sha256(plain.encode()).hexdigest(), 16)
    return "dev" if number % DEV_SHARE == 0 else "train"


def timed(name: str, text: str, waveform: Waveform, speaker: str) -> PhonedUtterance | None:
    """An utterance with pocketsphinx's times; None where they are not to be had."""
    try:
        words = pronounce(text)
    except CIFError:
        return None
    found = phone_times(waveform, words) if words else None
    if found is None:
        return None
    return PhonedUtterance(waveform, *found, speaker, name)


def phoned_prompts(part: str) -> list[PhonedUtterance | None]:
    """The prompts of a part with their times."""
    return [timed(name, text, sound, "prompts") for name, text, sound in english_prompts(part)]


def phoned_grid(split: str, count: int) -> list[PhonedUtterance | None]:
    """The first sentences of a split of GRID; letters by their names."""
    rows = datasets.grid_sentences(split)[:count]
    return [timed(row.id, spelled(row.text), row.waveform(), "grid") for row in rows]


def spelled(text: str) -> str:
    """A sentence of GRID as it is pronounced: its letter "a" is no article.

    >>> spelled("bin blue at a two now")
    'bin blue at A. two now'
    """
    return " ".join("A." if word == "a" else word for word in text.split())


def phoned_digits(split: str, count: int) -> list[PhonedUtterance | None]:
    """The first connected strings of digits of a split."""
    found = []
    for string in datasets.digit_strings(split)[:count]:
        waveform, _ = datasets.digit_string_waveform(string)
        found.append(timed(string.id, " ".join(string.words), waveform, string.speaker))
    return found


class SentenceMaker:
    """Makes up sentences by pocketsphinx's trigram model, from a generator of random numbers."""

    CANDIDATES = 24

    def __init__(self) -> None:
        from pocketsphinx import Decoder, get_model_path

        found = Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
        self.model = found.get_lm(found.current_search())
        path = get_model_path("en-us/cmudict-en-us.dict")
        with open(path, encoding="utf-8") as file:
            names = {line.split()[0] for line in file if line.strip()}
        words = sorted(name for name in names if name.isalpha() and name.isascii())
        chances = np.exp([self.model.prob([word]) * 1e-4 for word in words])
        known = chances > 0
        self.words = [word for word, is_known in zip(words, known, strict=True) if is_known]
        flat = chances[known] ** 0.6  # rare words more often than in texts
        self.reach = (flat / flat.sum()).cumsum()

    def __call__(self, rng: random.Random) -> list[str]:
        """The words of a sentence, 2 to 14."""
        words: list[str] = []
        for _ in range(rng.randint(2, 14)):
            places = np.searchsorted(self.reach, [rng.random() for _ in range(self.CANDIDATES)])
            names = [self.words[min(place, len(self.words) - 1)] for place in places.tolist()]
            history = words[-1:-3:-1]
            chances = [self.model.prob([name, *history]) * 1e-4 for name in names]
            weights = np.exp(0.7 * (np.array(chances) - max(chances)))
            words.append(rng.choices(names, weights)[0])
        if rng.random() < 0.15:
            words.insert(rng.randrange(len(words) + 1), rng.choice(FILLERS))
        return words


def made_up(count: int, seed: int) -> list[list[str]]:
    """So many sentences."""
    make, rng = SentenceMaker(), random.Random(seed)
    return [make(rng) for _ in range(count)]


def read_by_hibari(sentences: Sequence[Sequence[str]], seed: int) -> list[PhonedUtterance | None]:
    """Sentences read by hibari, at several tempos, with pocketsphinx's times.

    Raises
    ------
    DataError
        If hibari is not installed.
    """
    try:
        from hibari import Hibari
    except ModuleNotFoundError as error:
        raise DataError("this voice needs hibari: pip install hibari-tts==0.2.1") from error
    voice, rng, found = Hibari(), random.Random(seed), []
    for number, words in enumerate(sentences):
        text = " ".join(words).capitalize() + "."
        sound = voice(text, speed=rng.uniform(0.8, 1.35), seed=rng.randrange(1 << 30))
        samples = resample([sound], voice.sample_rate, SAMPLE_RATE)
        found.append(timed(f"hibari-{number}", " ".join(words), Waveform(samples), "hibari"))
    return found


def read_by_espeak(sentences: Sequence[Sequence[str]], seed: int) -> list[PhonedUtterance | None]:
    """Sentences read by eSpeak NG in all voices, at several tempos, with its own times."""
    rng = random.Random(seed)
    found: list[PhonedUtterance | None] = []
    for number, words in enumerate(sentences):
        voice = VOICES[number % len(VOICES)]
        rate, pitch = rng.randint(120, 240), rng.randint(25, 75)
        try:
            made = synthesize(" ".join(words), voice=voice, rate=rate, pitch=pitch)
            phones = settled(made.phones, made.waveform.duration)
        except DataError:  # it reads two words as one
            found.append(None)
            continue
        name = f"espeak-{number}"
        found.append(PhonedUtterance(made.waveform, made.words, phones, voice, name))
    return found


def settled(phones: Alignment, duration: float) -> Alignment:
    """ESpeak NG's phones as `PHONES`: stops with their closures, none without any time.

    Examples
    --------
    A closure before "t", and a liquid of no length, which gets 15 ms from the phones around it:

    >>> heard = Alignment((TimedToken("oː", 0.0, 0.1), TimedToken("r", 0.1, 0.1),
    ...                    TimedToken("t", 0.15, 0.2)))
    >>> [(one.token, round(one.start, 4), round(one.end, 4)) for one in settled(heard, 1.0)]
    [('oʊ', 0.0, 0.0925), ('ɹ', 0.0925, 0.1075), ('t', 0.1075, 0.2)]
    """
    # 1. One entry for each of `PHONES`: a symbol that becomes two is halved.
    names: list[str] = []
    edges: list[np.ndarray] = []
    for one, span in zip(phones, phones.spans, strict=True):
        becomes = reduced_phones(one.token)
        names += becomes
        cuts = np.linspace(*span, len(becomes) + 1)
        edges += list(np.stack([cuts[:-1], cuts[1:]], axis=1))
    spans = np.array(edges).reshape(-1, 2)

    # 2. Closures, then time for those that have none.
    for place, name in enumerate(names[1:], start=1):
        if name in STOPS and spans[place, 0] - spans[place - 1, 1] < CLOSURE:
            spans[place, 0] = spans[place - 1, 1]
    short = spans[:, 1] - spans[:, 0] < SHORTEST
    spans[short] = spans[short].mean(axis=1, keepdims=True) + np.array([-SHORTEST, SHORTEST])
    onsets, offsets = torch.from_numpy(spans.T.copy())
    return Alignment.from_edges(names, onsets, offsets, duration=duration)


def varied(
    pool: Sequence[PhonedUtterance], first: int, rng: np.random.Generator
) -> PhonedUtterance:
    """An utterance in another tempo, with others of its speaker, pauses and noise around it.

    Parameters
    ----------
    pool : sequence of PhonedUtterance
        Of one speaker.
    first : int
        The one that is varied.
    rng : numpy Generator
    """
    # 1. One to three utterances, each in a tempo and at a level of its own, with pauses.
    speed = float(np.exp(rng.normal(0, 0.08)).clip(0.8, 1.25))
    pieces = [_pause(rng, 0.5)]
    parts = [pool[first]]
    while rng.random() < 0.45:
        parts.append(pool[int(rng.integers(len(pool)))])
    words: list[TimedToken] = []
    phones: list[TimedToken] = []
    for number, one in enumerate(parts):
        length = sum(map(len, pieces))
        sound = _faster(one.waveform.samples, speed)
        if number and (length + len(sound)) / SAMPLE_RATE > LONGEST_JOINED:
            break
        begin = length / SAMPLE_RATE
        end = begin + len(sound) / SAMPLE_RATE
        words += _moved(one.words, speed, begin, end)
        phones += _moved(one.phones, speed, begin, end)
        pieces += [sound * np.float32(np.exp(rng.normal(0, 0.3))), _pause(rng, 0.4)]
    samples = np.concatenate(pieces)

    # 2. Noise, from hardly any to much, and a level.
    loud = float(np.sqrt(np.mean(samples**2))) + 1e-6
    level = rng.uniform(5, 25) if rng.random() < 0.35 else rng.uniform(30, 60)
    white = rng.standard_normal(len(samples))
    count = next_fast_len(len(samples), real=True)
    noise = pink_noise(count, SAMPLE_RATE, rng)[: len(samples)] if rng.random() < 0.5 else white
    samples = samples + loud * 10 ** (-level / 20) * noise
    samples = samples * (10 ** rng.uniform(-1.5, -0.1) / np.abs(samples).max())
    made = Waveform(samples.astype(np.float32), SAMPLE_RATE)
    return replace(
        parts[0],
        waveform=made,
        words=Alignment(tuple(words)),
        phones=Alignment(tuple(phones)),
    )


def _pause(rng: np.random.Generator, longest: float) -> np.ndarray:
    return np.zeros(int(rng.uniform(0, longest) * rng.integers(0, 2) * SAMPLE_RATE), np.float32)


def _faster(samples: np.ndarray, speed: float) -> np.ndarray:
    """Faster and higher, as a tape that is played faster."""
    return resample([samples.astype(np.float32)], round(SAMPLE_RATE * speed), SAMPLE_RATE)


def _moved(tokens: Alignment, speed: float, begin: float, end: float) -> list[TimedToken]:
    """The tokens of a faster sound that begins and ends there."""
    times = (np.array(tokens.spans).reshape(-1, 2) / speed + begin).clip(begin, end).tolist()
    return [
        replace(one, start=start, end=end) for one, (start, end) in zip(tokens, times, strict=True)
    ]


def judged(text: str, waveform: Waveform) -> tuple[tuple[SpokenWord, ...], Alignment] | None:
    """The words of an utterance, and pocketsphinx's times by cmudict; None where it has none."""
    words = pronounce(text)
    times = word_times(waveform, words) if words else None
    return None if times is None else (words, times)


@functools.cache
def has_teachers() -> bool:
    """Whether pocketsphinx is installed."""
    try:
        decoder()
    except DataError:
        return False
    return True


def versions(
    utterances: Sequence[PhonedUtterance | None], times: int, *, seed: int
) -> list[LabelledUtterance]:
    """So many variations of each utterance that has times, labelled with its phones."""
    speakers: dict[str, list[PhonedUtterance]] = {}
    for one in utterances:
        if one is not None:
            speakers.setdefault(one.speaker, []).append(one)
    rng = np.random.default_rng(seed)
    made = [
        varied(pool, place, rng)
        for _ in range(times)
        for pool in speakers.values()
        for place in range(len(pool))
    ]
    return [LabelledUtterance(one.waveform, one.phones, one.speaker) for one in made]


def labelled(utterances: Sequence[PhonedUtterance | None]) -> list[LabelledUtterance]:
    """The utterances that have times as they are, labelled with their phones."""
    return [
        LabelledUtterance(one.waveform, one.phones, one.speaker)
        for one in utterances
        if one is not None
    ]
