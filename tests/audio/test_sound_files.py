"""Sound files whose headers lie, that are damaged, or that are not sound at all."""

import io
import os
import struct
import threading

import numpy as np
import pytest
import soundfile

from cifviz.audio import decoding, sound_files
from cifviz.audio.waveform import load_waveform
from cifviz.errors import AudioError

RATE = 16_000
rng = np.random.default_rng(0)
SPEECH = (0.3 * np.sin(np.arange(2 * RATE) ** 1.2 / 9) * rng.uniform(0.2, 1, 2 * RATE)).astype("f4")
PCM = (SPEECH * 32767).astype("<i2").tobytes()


def chunk(name, body, size=None, pad=True):
    size = len(body) if size is None else size
    return name + struct.pack("<I", size) + body + (b"\0" if pad and len(body) % 2 else b"")


def wav(*chunks, rate=RATE, channels=1, riff=None):
    bits = 2 * channels
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * bits & 0xFFFFFFFF, bits, 16)
    body = b"WAVE" + chunk(b"fmt ", form) + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if riff is None else riff) + body


def encoded(format, subtype=None, samples=SPEECH, rate=RATE):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format, subtype=subtype)
    return buffer.getvalue()


def load(tmp_path, content, name="sound.wav"):
    path = tmp_path / name
    path.write_bytes(content)
    return load_waveform(path)


def refusal(tmp_path, content, name="sound.wav"):
    """The one sentence in which a file is refused: printable, and none of another library's."""
    with pytest.raises(AudioError, match="expected ") as caught:
        load(tmp_path, content, name)
    message = str(caught.value)
    assert name in message
    assert message.isprintable()
    for word in "Error", "Invalid data", "recognised", "libsnd", "array", "alpha", "Errno":
        assert word not in message
    return message


# --- Headers that lie ---------------------------------------------------------------------------


def test_a_flac_that_claims_2_36_samples_is_read_to_its_end(tmp_path):
    flac = bytearray(encoded("FLAC"))
    flac[21] |= 0x0F
    flac[22:26] = b"\xff" * 4
    assert len(load(tmp_path, bytes(flac)).samples) == len(SPEECH)


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path):
    flac = bytearray(encoded("FLAC"))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    np.testing.assert_allclose(load(tmp_path, bytes(flac)).samples, SPEECH, atol=1e-4)


def test_an_mp3_that_claims_2_31_frames_is_read_to_its_end(tmp_path):
    mp3 = bytearray(encoded("MP3"))
    at = max(mp3.find(b"Xing"), mp3.find(b"Info"))
    assert at > 0
    mp3[at + 8 : at + 12] = struct.pack(">I", 2**31 - 1)
    assert load(tmp_path, bytes(mp3)).duration == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x80000000, len(PCM) + 1000])
@pytest.mark.parametrize("riff", [None, 0, 0xFFFFFFFF])
def test_a_wav_from_a_pipe_is_read_to_its_end(tmp_path, size, riff):
    loaded = load(tmp_path, wav(chunk(b"data", PCM, size), riff=riff))
    np.testing.assert_allclose(loaded.samples, SPEECH, atol=1e-4)


@pytest.mark.parametrize("rate", [0, 1, 10, 100, 3999, 384_001, 655_350, 4_000_000_000])
def test_a_rate_that_nobody_records_at_is_refused(tmp_path, rate):
    message = refusal(tmp_path, wav(chunk(b"data", PCM), rate=rate))
    assert "sample rate from 4000 to 384000 Hz" in message or "cannot read" in message


@pytest.mark.parametrize("rate", [4000, 384_000])
def test_the_slowest_and_the_fastest_rate_are_read(tmp_path, rate):
    loaded = load(tmp_path, wav(chunk(b"data", PCM), rate=rate))
    assert loaded.duration == pytest.approx(len(SPEECH) / rate, abs=1e-4)


def test_a_thousand_channels_are_refused_and_64_read(tmp_path):
    many = wav(chunk(b"data", PCM[: 2 * 1000 * 30]), channels=1000)
    assert "expected 1 to 64 channels, " in refusal(tmp_path, many)
    assert "states 0" in refusal(tmp_path, wav(chunk(b"data", PCM), channels=0))
    loaded = load(tmp_path, wav(chunk(b"data", PCM[: 2 * 64 * 400]), channels=64))
    assert len(loaded.samples) == 400


def test_a_big_endian_wav_is_not_played_as_noise(tmp_path):
    big = np.frombuffer(PCM, "<i2").astype(">i2").tobytes()
    form = struct.pack(">4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    content = b"WAVE" + form + struct.pack(">4sI", b"data", len(big)) + big
    content = b"RIFX" + struct.pack(">I", len(content)) + content
    assert "big-endian WAV (RIFX)" in refusal(tmp_path, content)


def test_a_sound_of_which_nothing_can_be_decoded_is_damaged(tmp_path):
    """Its header says 32 bits a sample, its blocks say 16."""
    flac = bytearray(encoded("FLAC"))
    flac[20] |= 0x01
    flac[21] |= 0xF0
    assert "it is damaged, or in no format" in refusal(tmp_path, bytes(flac), "sound.flac")


def test_an_hour_is_read(tmp_path):
    hour = encoded("FLAC", samples=np.zeros(3600 * 4000, "i2"), rate=4000)
    path = tmp_path / "lecture.flac"
    path.write_bytes(hour)
    assert load_waveform(path, sample_rate=4000).duration == 3600


@pytest.mark.parametrize("format", ["FLAC", "OGG", "MP3", "WAV"])
def test_sound_beyond_the_longest_is_refused(tmp_path, monkeypatch, format):
    sound = encoded(format, samples=np.zeros(3 * RATE))
    monkeypatch.setattr(decoding, "LONGEST", 3600)
    assert load(tmp_path, sound).duration == pytest.approx(3, abs=0.1)
    monkeypatch.setattr(decoding, "LONGEST", 2)
    assert "hours of sound" in refusal(tmp_path, sound)


def test_the_work_for_all_channels_together_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "MOST_SAMPLES", 3 * RATE)
    assert load(tmp_path, encoded("FLAC")).duration == 2
    assert "in all channels together" in refusal(
        tmp_path, encoded("FLAC", samples=np.zeros((2 * RATE, 2)))
    )


# --- How it is coded, and how it is damaged ------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "subtype", "close"),
    [
        *(("WAV", f"PCM_{bits}", 1e-4) for bits in (16, 24, 32)),
        ("WAV", "PCM_U8", 1e-2),
        ("WAV", "FLOAT", 1e-6),
        ("WAV", "DOUBLE", 1e-6),
        ("WAV", "ULAW", 0.02),
        ("WAV", "ALAW", 0.02),
        ("WAV", "IMA_ADPCM", 0.15),
        ("WAV", "MS_ADPCM", 0.15),
        *((format, "PCM_16", 1e-4) for format in "WAVEX RF64 W64 AIFF CAF AU NIST".split()),
        ("AIFF", "FLOAT", 1e-6),
        ("FLAC", "PCM_24", 1e-6),
    ],
)
def test_the_usual_codings_are_read(tmp_path, format, subtype, close):
    low = 0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)
    loaded = load(tmp_path, encoded(format, subtype, low)).samples
    np.testing.assert_allclose(loaded[: len(low)], low, atol=close)
    assert not loaded[len(low) :].any() or len(loaded) < 1.06 * len(
        low
    )  # ADPCM fills its last block


@pytest.mark.parametrize("format", ["WAV", "AIFF", "W64", "RF64", "AU", "CAF", "FLAC", "MP3"])
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path, format):
    whole = encoded(format)
    loaded = load(tmp_path, whole[: len(whole) // 2])
    assert 0.7 <= loaded.duration <= 1.1
    if format != "MP3":
        np.testing.assert_allclose(loaded.samples, SPEECH[: len(loaded.samples)], atol=1e-4)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3", "OGG", "AIFF", "CAF", "W64"])
@pytest.mark.parametrize("length", [1, 10, 20, 40])
def test_the_first_bytes_of_a_sound_are_refused(tmp_path, capfd, format, length):
    refusal(tmp_path, encoded(format)[:length])
    assert capfd.readouterr() == ("", "")  # nor does another library say anything on stderr


def test_damage_in_the_middle_is_refused(tmp_path):
    mp3 = bytearray(encoded("MP3", samples=np.tile(SPEECH, 3)))
    middle = len(mp3) // 2
    mp3[middle : middle + 4096] = b"\xff" * 4096
    assert "is damaged in the middle" in refusal(tmp_path, bytes(mp3))


def test_what_a_decoder_leaves_out_is_silence(tmp_path):
    flac = bytearray(encoded("FLAC", samples=np.tile(SPEECH, 3)))
    middle = len(flac) // 2
    flac[middle : middle + 4096] = b"\xff" * 4096
    loaded = load(tmp_path, bytes(flac)).samples
    assert len(loaded) == 3 * len(SPEECH)
    np.testing.assert_allclose(loaded[-RATE:], SPEECH[-RATE:], atol=1e-4)


def test_two_data_chunks_are_one_sound(tmp_path):
    half, note = len(PCM) // 2, chunk(b"LIST", b"INFO" + chunk(b"INAM", b"a note"))
    loaded = load(tmp_path, wav(chunk(b"data", PCM[:half]), note, chunk(b"data", PCM[half:]), note))
    assert len(loaded.samples) == len(SPEECH)
    np.testing.assert_allclose(loaded.samples, SPEECH, atol=1e-4)


def test_a_chunk_without_its_pad_byte_is_refused(tmp_path):
    odd = wav(chunk(b"meta", b"abcde", pad=False), chunk(b"data", PCM))
    assert "it is damaged, or in no format that can be decoded" in refusal(tmp_path, odd)


@pytest.mark.parametrize(
    "content",
    [
        b"this is not a sound",
        b"<!doctype html><html><body>404 not found</body></html>" * 30,
        b"PK\x03\x04" + bytes(500),
        b'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<exists>\n1\n' * 9,
        bytes(5000),
        bytes(range(256)) * 40,
    ],
    ids=["text", "html", "zip", "TextGrid", "zeros", "bytes"],
)
@pytest.mark.parametrize("name", ["sound.wav", "sound.mp3", "sound.m3u8", "sound.raw"])
def test_what_is_no_sound_is_refused(tmp_path, content, name):
    assert "no format that can be decoded" in refusal(tmp_path, content, name)


def test_an_empty_file_is_said_to_be_empty(tmp_path):
    assert refusal(tmp_path, b"").endswith("sound.wav is empty")


def test_a_name_does_not_say_what_a_file_is(tmp_path):
    flac = encoded("FLAC")
    for name in ("sound.wav", "sound.mp3", "sound.raw", "sound.txt", "sound"):
        assert len(load(tmp_path, flac, name).samples) == len(SPEECH)


def test_a_tag_that_is_no_text_is_no_reason_to_refuse(tmp_path):
    tag = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"M\xfcller"))
    assert load(tmp_path, wav(tag, chunk(b"data", PCM))).duration == 2


# --- Loudness ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [2.0, 100.0, 2.0**15, 2.0**31])
def test_integers_written_as_floats_are_read(tmp_path, scale):
    samples = np.array([0.0, 1.0, -1.0, 0.5]) * scale
    loaded = load(tmp_path, encoded("WAV", "FLOAT", samples))
    assert loaded.samples.tolist() == samples.tolist()


@pytest.mark.parametrize("peak", [2.0**31 * 1.001, 1e30, 3e38, -3e38])
def test_samples_far_beyond_full_scale_are_refused(tmp_path, peak):
    message = refusal(tmp_path, encoded("WAV", "FLOAT", np.array([0.0, peak, 0.0])))
    assert f"found {abs(peak):.3g} in " in message


@pytest.mark.parametrize("value", [1e300, np.inf, -np.inf, np.nan])
def test_samples_beyond_float32_are_not_finite(tmp_path, value):
    message = refusal(tmp_path, encoded("WAV", "DOUBLE", np.array([0.0, value, 0.0])))
    assert "expected finite samples" in message


# --- Channels ----------------------------------------------------------------------------------


def mixed(tmp_path, *channels):
    return load(tmp_path, encoded("WAV", "FLOAT", np.stack(channels, axis=1))).samples


def test_of_channels_that_cancel_the_loudest_is_heard(tmp_path):
    np.testing.assert_allclose(mixed(tmp_path, SPEECH, -SPEECH), SPEECH, atol=1e-6)
    np.testing.assert_allclose(mixed(tmp_path, 0.8 * SPEECH, -SPEECH), -SPEECH, atol=1e-6)
    hiss = 0.003 * rng.standard_normal((2, len(SPEECH))).astype("f4")
    loaded = mixed(tmp_path, SPEECH + hiss[0], -SPEECH + hiss[1])
    assert abs(np.corrcoef(loaded, SPEECH)[0, 1]) > 0.99


def test_an_offset_does_not_hide_that_channels_cancel(tmp_path):
    loaded = mixed(tmp_path, SPEECH + 0.25, -SPEECH + 0.25)
    assert loaded.std() == pytest.approx(SPEECH.std(), rel=0.01)


def test_channels_that_do_not_cancel_are_averaged(tmp_path):
    noise = 0.1 * rng.standard_normal((6, len(SPEECH))).astype("f4")
    silence = np.zeros_like(SPEECH)
    for channels in (
        [SPEECH, SPEECH],
        [SPEECH, silence],
        [SPEECH, 0.9 * SPEECH],
        [SPEECH, -0.3 * SPEECH],  # nothing of it is lost, it is quieter
        [noise[0], noise[1]],
        list(noise),
        [noise[0], noise[1], SPEECH, silence, noise[4], noise[5]],  # 5.1: speech in the centre
        [silence, silence],
    ):
        expected = np.mean(channels, axis=0)
        np.testing.assert_allclose(mixed(tmp_path, *channels), expected, atol=1e-6)


def test_the_choice_is_made_for_the_whole_file(tmp_path):
    """A second in which the channels agree, then nine in which they cancel: one of them, always."""
    long = np.tile(SPEECH, 5)
    right = 0.9 * np.concatenate([long[:RATE], -long[RATE:]])
    np.testing.assert_allclose(mixed(tmp_path, long, right), long, atol=1e-6)


def test_a_resampled_inverted_file_keeps_its_length(tmp_path):
    stereo = np.stack([SPEECH, -SPEECH], axis=1)
    loaded = load(tmp_path, encoded("WAV", "FLOAT", stereo, rate=48_000))
    assert len(loaded.samples) == -(-len(SPEECH) // 3)
    assert loaded.samples.std() > 0.05


# --- Where it comes from -------------------------------------------------------------------------


def test_a_binary_file_is_read_from_its_beginning_and_stays_open():
    file = io.BytesIO(encoded("FLAC"))
    file.seek(100)
    assert len(load_waveform(file).samples) == len(SPEECH)
    assert not file.closed


def test_a_pipe_is_read_into_memory_up_to_a_bound(tmp_path, monkeypatch):
    def through_a_pipe(content):
        read, write = os.pipe()

        def give():
            with os.fdopen(write, "wb") as end:
                try:
                    end.write(content)
                except BrokenPipeError:
                    return

        giver = threading.Thread(target=give)
        giver.start()
        try:
            with os.fdopen(read, "rb") as file:
                return load_waveform(file)
        finally:
            giver.join()

    stereo = encoded("WAV", samples=np.stack([SPEECH, -SPEECH], axis=1))  # is read twice
    assert len(through_a_pipe(stereo).samples) == len(SPEECH)
    monkeypatch.setattr(sound_files, "LARGEST_PIPED", 1000)
    with pytest.raises(AudioError, match="expected at most 0 MB from a pipe, .* gives more"):
        through_a_pipe(stereo)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_read(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    giver = threading.Thread(target=path.write_bytes, args=(encoded("FLAC"),))
    giver.start()
    assert len(load_waveform(path).samples) == len(SPEECH)
    giver.join()


def test_a_folder_is_said_to_be_one(tmp_path):
    with pytest.raises(AudioError, match=f"cannot read .*{tmp_path.name}: it is a folder$"):
        load_waveform(tmp_path)


def test_a_file_in_what_is_no_folder_is_missing(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AudioError, match="^no such audio file: "):
        load_waveform(tmp_path / "file" / "sound.wav")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no such permissions")
def test_a_file_that_may_not_be_read_is_said_to_be_one(tmp_path):
    path = tmp_path / "secret.wav"
    path.write_bytes(encoded("WAV"))
    path.chmod(0)
    root = os.geteuid() == 0
    if root:  # who may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(AudioError, match="cannot read .*secret.wav: there is no permission to"):
            load_waveform(path)
    finally:
        if root:
            os.seteuid(0)


def test_a_disk_that_fails_is_named_and_blamed():
    class Failing(io.BytesIO):
        name = "on a bad disk"

        def read(self, size=-1):
            if self.tell() > 1000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(AudioError, match="cannot read on a bad disk: the system says 'Input"):
        load_waveform(Failing(encoded("WAV", samples=np.tile(SPEECH, 5))))


@pytest.mark.parametrize("name", ["new\nline.wav", "\x1b[31mred.wav", "tab\t.wav"], ids=ascii)
def test_a_name_is_shown_escaped(tmp_path, name):
    with pytest.raises(AudioError, match="^no such audio file: ") as caught:
        load_waveform(tmp_path / name)
    assert str(caught.value).isprintable()
    path = tmp_path / name
    try:
        path.write_text("this is not a sound")
    except OSError:
        pytest.skip("this file system holds no such name")
    with pytest.raises(AudioError, match="cannot read ") as caught:
        load_waveform(path)
    assert str(caught.value).isprintable()
