"""Sounds of any length: what one window gives, window by window, without a seam."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from rapidfuzz.distance import Levenshtein

from cifviz.alignment.joined_tokens import joined
from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.alignment.word_flags import SILENT
from cifviz.audio.moonshine import DIM, HOP_LENGTH, LONGEST, Moonshine, num_frames
from cifviz.audio.pauses import LONGEST_WINDOW, windows
from cifviz.audio.waveform import LogMel, Waveform
from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.pronunciation import SpokenWord
from cifviz.errors import CIFError
from cifviz.explorer import explore
from cifviz.explorer.truncate import truncate
from cifviz.plot.panels import panel, panel_alt, panel_png
from cifviz.plot.rows import token_rows
from cifviz.systems import decoded_text, long_sound
from cifviz.systems.doubtful_words import (
    DOUBTS,
    PRESENCE,
    UNEXPLAINED,
    UNEXPLAINED_MASS,
    doubtful_words,
)
from cifviz.systems.long_sound import align_long, hear_long
from cifviz.systems.transcription import CTC_PATH, Transcription

RATE, PIECE = 16_000, HOP_LENGTH / 16_000
FRAMES = 4
"""Of a phone; the last of them is silent."""


class LoudnessEncoder:
    """A state is the loudness of the 384 samples at which its frame begins."""

    longest = 0.0

    def states(self, waveform):
        type(self).longest = max(self.longest, waveform.duration)
        assert waveform.duration <= LONGEST
        frames = num_frames(len(waveform.samples))
        samples = waveform.samples[: frames * HOP_LENGTH].reshape(frames, HOP_LENGTH)
        states = torch.zeros(frames, DIM)
        states[:, 0] = torch.from_numpy(np.sqrt((samples**2).mean(axis=1)))
        return states

    def decode(self, states):
        return " ".join(phone for phone, _, _ in runs(states))


def runs(states):
    """Phones that are spoken, with their first frames and those behind the last."""
    number = ((states[:, 0] - 0.1) * 100).round().long().tolist()
    found = []
    for frame, one in enumerate(number):
        if one < 0:
            continue
        if frame and number[frame - 1] == one:
            found[-1][2] = frame + 1
        else:
            found.append([PHONES[one], frame, frame + 1])
    return found


class LoudnessModel:
    """Each phone has a loudness of its own; a transcript's phones are where it is found."""

    name = "loudness"

    def __init__(self):
        self.config = SimpleNamespace(features=LogMel(), grid=Moonshine.grid)
        self.given = ()

    def transcribe_states(self, states, log_mel, *, duration):
        assert len(states) == num_frames(round(duration * RATE))
        assert len(log_mel) == np.ceil(round(duration * RATE) / 160)
        recognised = runs(states)
        return self.made(
            [TimedToken(one, a * PIECE, b * PIECE) for one, a, b in recognised], duration
        )

    def align_states(self, states, log_mel, words, *, duration, path):
        self.given += ((path, duration),)
        recognised, phones = runs(states), [phone for word in words for phone in word.phones]
        tokens = [TimedToken(phone) for phone in phones]
        for op in Levenshtein.opcodes([one for one, _, _ in recognised], phones):
            for n in range(op.src_end - op.src_start if op.tag == "equal" else 0):
                _, first, end = recognised[op.src_start + n]
                place = op.dest_start + n
                tokens[place] = TimedToken(phones[place], first * PIECE, end * PIECE, 0.5)
        made = self.made(tokens, duration)
        counts = [len(word.phones) for word in words]
        timed = joined(made.alignment, [word.text for word in words], counts)
        presence = tuple(float(word.is_timed) for word in timed)
        return Transcription(**{**vars(made), "extras": {PRESENCE: presence}})

    def made(self, tokens, duration):
        return Transcription(
            tokens=tuple(one.token for one in tokens),
            scores=(0.5,) * len(tokens),
            alignment=Alignment(tuple(tokens)),
            firing=None,
            grid=self.config.grid,
            duration=duration,
            log_mel=torch.zeros(0, 40),
            config=self.config,
            row_kind=CTC_PATH,
            given_rows=torch.zeros(len(tokens), 0),
        )


class ExactModel(LoudnessModel):
    """Finds words where all their phones are in a row; else it puts them at the beginning."""

    def align_states(self, states, log_mel, words, *, duration, path):
        recognised, phones = runs(states), [phone for word in words for phone in word.phones]
        row = [phone for phone, _, _ in recognised]
        places = [n for n in range(len(row)) if phones and row[n : n + len(phones)] == phones]
        first = places[0] if places else 0
        own = recognised[first : first + len(phones)]
        tokens = [TimedToken(phone, a * PIECE, b * PIECE, 0.5) for phone, a, b in own]
        tokens += [TimedToken(phone) for phone in phones[len(own) :]]
        free = recognised[:first] + recognised[first + len(phones) :] if places else recognised
        made = self.made(tokens, duration)
        extras = {
            PRESENCE: (0.9 if places else 0.1,) * len(words),
            UNEXPLAINED: tuple((a * PIECE, b * PIECE) for _, a, b in free),
            UNEXPLAINED_MASS: float(len(free)),
        }
        return Transcription(**{**vars(made), "extras": extras})


@pytest.fixture(autouse=True)
def encoder(monkeypatch):
    encoder = LoudnessEncoder()
    monkeypatch.setattr(long_sound, "load_moonshine", lambda: encoder)
    monkeypatch.setattr(LoudnessEncoder, "longest", 0.0)
    monkeypatch.setattr(
        decoded_text,
        "pronounce",
        lambda text: tuple(SpokenWord(one, 0, 0, (one,)) for one in text.split()),
    )
    return encoder


def some_words(count, seed=0):
    rng = np.random.default_rng(seed)
    chosen = [tuple(rng.choice(PHONES, size=rng.integers(2, 7)).tolist()) for _ in range(count)]
    return [SpokenWord("".join(phones), 0, 0, phones) for phones in chosen]


def sound_of(*parts):
    """The sound of words, or of so many silent pieces, and the true times of the words."""
    pieces, spans = [np.zeros(0, np.float32)], []
    for part in parts:
        if isinstance(part, int):
            pieces.append(np.zeros(part * HOP_LENGTH, np.float32))
            continue
        first = sum(map(len, pieces))
        for phone in part.phones:
            loud = np.full(HOP_LENGTH * (FRAMES - 1), 0.1 + PHONES.index(phone) / 100, np.float32)
            pieces += [loud, np.zeros(HOP_LENGTH, np.float32)]
        spans.append((first / RATE, (sum(map(len, pieces)) - HOP_LENGTH) / RATE))
    return Waveform(np.concatenate([*pieces, np.zeros(1000, np.float32)])), spans


def assert_at(words, spans):
    for word, (start, end) in zip(words, spans, strict=True):
        assert (word.start, word.end) == (pytest.approx(start), pytest.approx(end)), word


# --- aligning ------------------------------------------------------------------------------------


def test_two_minutes_without_a_pause_have_no_seam():
    words = some_words(320)
    sound, spans = sound_of(*words)
    model = LoudnessModel()
    found = align_long(model, sound, words, path="other")
    assert found.duration == sound.duration > 120
    assert_at(found.words, spans)
    assert found.text == " ".join(word.text for word in words)
    assert list(found.tiers) == ["words", "phones"]
    assert found.tokens == tuple(phone for word in words for phone in word.phones)
    assert found.scores == (0.5,) * len(found.tokens)
    assert found.extras[DOUBTS] == ((),) * len(words)
    assert found.extras[PRESENCE] == (1.0,) * len(words)
    assert {path for path, _ in model.given} == {"other"}
    assert max(seconds for _, seconds in model.given) <= LONGEST_WINDOW + 511 / RATE
    assert len(found.windows) == len(model.given) < 12


def test_the_first_window_is_kept_for_pictures():
    words = some_words(200)
    sound, _ = sound_of(*words)
    found = align_long(LoudnessModel(), sound, words, path="fires")
    start, end = found.windows[0]
    assert start == 0
    assert found.first.waveform.duration == found.first.duration >= end
    assert found.first.alignment.tokens[0] == found.alignment.tokens[0]


def test_silence_and_other_speech_move_nothing():
    words, other = some_words(240), some_words(120, seed=3)
    sound, spans = sound_of(2000, *words[:80], 1, *other, 3000, *words[80:], 1500)
    spans = spans[:80] + spans[200:]
    found = align_long(LoudnessModel(), sound, words, path="fires")
    assert_at(found.words, spans)
    covered = sum(end - start for start, end in found.windows)
    assert covered < spans[79][1] - spans[0][0] + spans[-1][1] - spans[80][0] + 12


def test_words_that_are_not_spoken_are_flagged_and_move_nothing():
    words, added = some_words(240), some_words(60, seed=3)
    sound, spans = sound_of(*words)
    found = align_long(LoudnessModel(), sound, words[:100] + added + words[100:], path="fires")
    assert_at(found.words.tokens[:100] + found.words.tokens[160:], spans)
    doubtful = [one.index for one in doubtful_words(found)]
    assert set(doubtful) <= set(range(100, 160)) and len(doubtful) > 45


def test_a_word_in_silence_has_no_time(monkeypatch):
    """A model that puts all phones into the first half second, which is silent."""
    words = some_words(3)
    sound, _ = sound_of(1500, *words)
    model = LoudnessModel()

    def align_states(states, log_mel, words, *, duration, path):
        count = sum(len(word.phones) for word in words)
        times = torch.linspace(0, 0.5, count + 1, dtype=torch.float64)
        tokens = [phone for word in words for phone in word.phones]
        return model.made(list(Alignment.from_edges(tokens, times[:-1], times[1:])), duration)

    monkeypatch.setattr(model, "align_states", align_states)
    found = align_long(model, sound, words, path="fires")
    assert found.words.timed == () and found.alignment.timed == ()
    assert found.extras == {DOUBTS: ((SILENT,),) * 3}
    assert [one.reasons for one in doubtful_words(found)] == [("untimed", SILENT)] * 3


@pytest.mark.parametrize("count", [1, 3])
def test_a_few_words_are_found_wherever_they_are_said(count):
    """At the beginning, across the cut between two windows, and at the end."""
    words = some_words(160)
    sound, spans = sound_of(*words)
    (_, cut), *_ = windows(sound)
    across = next(n for n, (_, end) in enumerate(spans) if end * RATE > cut) - count // 2
    for first in (0, across, len(words) - count):
        some = words[first : first + count]
        found = align_long(ExactModel(), sound, some, path="fires")
        assert_at(found.words, spans[first : first + count])
        assert found.extras[PRESENCE] == (0.9,) * count
        assert doubtful_words(found) == []


def test_a_few_words_that_are_nowhere_have_no_time():
    sound, _ = sound_of(*some_words(160))
    wrong = some_words(3, seed=9)
    found = align_long(ExactModel(), sound, wrong, path="fires")
    assert found.words.timed == () and found.alignment.timed == ()
    assert [one.reasons for one in doubtful_words(found)] == [("untimed", "presence 0.10")] * 3
    assert "3 of its 3 words are probably not in these" in found.warning


def test_speech_outside_of_the_words_is_unexplained():
    words = some_words(160)
    sound, _ = sound_of(*words[:80], 500, *words[80:])
    found = align_long(ExactModel(), sound, words[20:22], path="fires")
    phones = [len(word.phones) for word in words]
    free = found.extras[UNEXPLAINED]
    assert len(free) == found.extras[UNEXPLAINED_MASS] == sum(phones) - sum(phones[20:22])
    assert list(free) == sorted(free)
    assert "most of the speech in these" in found.warning


def test_between_the_stretches_of_a_long_transcript_speech_is_unexplained_too():
    words, other = some_words(60), some_words(40, seed=3)
    sound, spans = sound_of(*words[:30], *other, *words[30:])
    found = align_long(ExactModel(), sound, words, path="fires")
    assert_at(found.words, spans[:30] + spans[70:])
    assert len(found.windows) == 2
    free = found.extras[UNEXPLAINED]
    assert len(free) == sum(len(word.phones) for word in other)
    assert all(spans[30][0] <= start < end <= spans[70][0] for start, end in free)
    assert found.warning == ""


def test_a_transcript_without_words_and_a_sound_without_speech():
    sound, _ = sound_of(*some_words(200))
    empty = align_long(LoudnessModel(), sound, [], path="fires")
    assert (len(empty.words), empty.windows, empty.mean_score) == (0, (), None)
    assert empty.extras[PRESENCE] == empty.extras[DOUBTS] == ()
    assert (empty.first.tokens, empty.first_start) == ((), 0.0)
    assert 0 < empty.first.waveform.duration == empty.first.duration <= LONGEST_WINDOW
    silent = align_long(
        LoudnessModel(), Waveform(np.zeros(90 * RATE, np.float32)), some_words(5), path="fires"
    )
    assert silent.words.timed == ()
    assert len(doubtful_words(silent)) == 5


@pytest.mark.parametrize("samples", [0, 100, 895])
def test_a_sound_shorter_than_a_frame_has_no_words(samples):
    found = align_long(
        LoudnessModel(), Waveform(np.zeros(samples, np.float32)), some_words(2), path="fires"
    )
    assert len(found.words) == 2 and found.words.timed == ()


def test_the_encoder_is_never_given_more_than_it_takes(encoder):
    words = some_words(500)
    sound, _ = sound_of(*words)
    align_long(LoudnessModel(), sound, words, path="fires")
    assert LONGEST - 3 < encoder.longest <= LONGEST


def test_bars_are_shown_on_request_only(capsys):
    words = some_words(150)
    sound, _ = sound_of(*words)
    align_long(LoudnessModel(), sound, words, path="fires")
    assert capsys.readouterr() == ("", "")
    align_long(LoudnessModel(), sound, words, path="fires", progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "hearing" in err and "aligning: 100%" in err


# --- hearing -------------------------------------------------------------------------------------


def test_decoded_words_are_those_of_all_windows():
    words = [SpokenWord(phone, 0, 0, (phone,)) for phone in PHONES]
    parts = [part for word in words * 8 for part in (word, 10)]
    sound, spans = sound_of(*parts)
    found = hear_long(LoudnessModel(), sound, path="fires")
    assert found.text == " ".join(word.text for word in words * 8)
    assert_at(found.words, spans)


def test_silence_is_not_read(monkeypatch, encoder):
    read = []
    monkeypatch.setattr(encoder, "decode", lambda states: read.append(states) or "", raising=False)
    found = hear_long(LoudnessModel(), Waveform(np.zeros(100 * RATE, np.float32)), path="fires")
    assert read == [] and len(found.words) == 0


def test_a_long_transcription_cannot_be_drawn_but_its_first_window_can():
    words = some_words(200)
    sound, _ = sound_of(*words)
    found = align_long(LoudnessModel(), sound, words, path="fires")
    axes = Figure().subplots()
    for draw in (panel, panel_png, panel_alt, explore, lambda one: truncate(one, 1.0)):
        with pytest.raises(CIFError, match=r"draw its first window \(result\.first\)"):
            draw(found)
    with pytest.raises(CIFError, match=r"draw its first window \(result\.first\)"):
        token_rows(found, ax=axes)
    assert token_rows(found.first, ax=axes).mesh is None
