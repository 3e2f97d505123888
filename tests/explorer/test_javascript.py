"""JavaScript and Python give the same results for the same weights."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import cifviz
from cifviz.audio.mel import mel_frequencies
from cifviz.core import reference, tail
from cifviz.explorer import data
from cifviz.explorer.compared import spans_of
from cifviz.explorer.data import view_data
from cifviz.explorer.settings import RANGES, model_settings, realign
from tests.explorer import dialect_cases
from tests.explorer.cases import named_cases, random_cases, random_tail

HERE = Path(__file__).parent
CASES = HERE / "cases.json"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def run(cases, tests="cases.test.mjs", **variables):
    """Run a file of tests in node; its output is the message of a failure."""
    done = subprocess.run(
        ["node", "--test", str(HERE / "js" / tests)],
        env={**os.environ, "CIFVIZ_CASES": str(cases), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_named_cases_have_the_results_of_python():
    """If not: python -m tests.explorer.cases > tests/explorer/cases.json."""
    kept = json.loads(CASES.read_text("utf-8"))
    made = json.loads(json.dumps(named_cases()))
    assert [one["name"] for one in kept] == [one["name"] for one in made]
    for one, other in zip(kept, made, strict=True):
        assert one.keys() == other.keys()
        assert flat(one) == pytest.approx(flat(other), abs=1e-9), one["name"]


def flat(values, path=""):
    """All numbers in nested values, by where they stand."""
    if isinstance(values, dict):
        pairs = values.items()
    elif isinstance(values, list | tuple):
        pairs = enumerate(values)
    else:
        return {path: float(values)} if isinstance(values, bool | int | float) else {}
    return {
        place: number
        for key, value in pairs
        for place, number in flat(value, f"{path}/{key}").items()
    }


@needs_node
def test_named_cases():
    code, output = run(CASES)
    assert code == 0, output


@needs_node
def test_a_thousand_random_cases(tmp_path):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(random_cases(1000)), "utf-8")
    code, output = run(path)
    assert code == 0, output


@needs_node
def test_dialects_fire_in_javascript_as_in_python(tmp_path):
    path = tmp_path / "cases.json"
    cases = [*dialect_cases.named_cases(), *dialect_cases.random_cases(500)]
    assert any("fails" in one for one in cases)
    path.write_text(json.dumps(cases), "utf-8")
    code, output = run(path, "dialects.test.mjs")
    assert code == 0, output
    wrong = next(one for one in cases if one.get("expected", {}).get("fires", 0) > 1)
    wrong["expected"]["positions"][0] += 1e-3
    path.write_text(json.dumps([wrong]), "utf-8")
    code, output = run(path, "dialects.test.mjs")
    assert code != 0
    assert "position 0" in output


@needs_node
def test_a_case_that_is_wrong_is_found(tmp_path):
    case = named_cases()[0]
    case["expected"]["positions"][0] += 1e-5
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([case]), "utf-8")
    code, output = run(path)
    assert code != 0
    assert "position 0" in output


@needs_node
def test_tail_rules_are_the_same_in_both_languages():
    """By name, range and kind; what they decide, the cases show."""
    source = (cifviz.explorer.__path__[0], "js", "tail.js")
    script = (
        f"import({json.dumps(Path(*source).as_uri())}).then(({{ RULES }}) => "
        "console.log(JSON.stringify(Object.entries(RULES).map(([name, rule]) => "
        "[name, rule.limits ?? null, rule.scales ?? false, rule.fills ?? true]))))"
    )
    printed = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)
    expected = [
        [name, rule.limits and list(rule.limits), rule.scales, rule.fills]
        for name, rule in tail.RULES.items()
    ]
    assert json.loads(printed.stdout) == expected


NEW_RULES = {
    "below": (
        {"limits": (0.0, 1.0)},
        lambda residual, threshold, tau: residual < tau,
        "{ limits: [0, 1], decide: (residual, threshold, tau) => residual < tau }",
    ),
    "halves": (
        {"scales": True, "fills": False},
        lambda mass, threshold: (2 * mass / threshold).ceil(),
        "{ scales: true, fills: false, decide: (mass, threshold) => Math.ceil((2 * mass) / "
        "threshold) }",
    ),
}


@needs_node
@pytest.mark.parametrize("name", NEW_RULES)
def test_a_new_tail_rule_is_one_entry_in_each_language(name, tmp_path, monkeypatch):
    options, decide, javascript = NEW_RULES[name]
    monkeypatch.setattr(tail, "RULES", dict(tail.RULES))
    decide.__name__ = name
    tail.tail_rule(**options)(decide)
    rules = tmp_path / "rules.mjs"
    module = Path(cifviz.explorer.__path__[0], "js", "tail.js").as_uri()
    rules.write_text(f'import {{ RULES }} from "{module}";\nRULES.{name} = {javascript};\n')
    cases = random_cases(100, tails=(name,))
    assert {case["tail"]["rule"] for case in cases} == {name}
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(cases), "utf-8")
    code, output = run(path, CIFVIZ_RULES=rules.as_uri())
    assert code == 0, output
    assert run(path)[0] != 0  # without it, JavaScript knows no such rule


NEED_CASES = {
    "agreement.test.mjs",
    "cases.test.mjs",
    "dialects.test.mjs",
    "downloads.test.mjs",
    "kept.test.mjs",
    "sonify.test.mjs",
    "utterances.test.mjs",
    "spectrogram.test.mjs",
}
OTHERS = sorted({path.name for path in (HERE / "js").glob("*.test.mjs")} - NEED_CASES)


@needs_node
@pytest.mark.parametrize("tests", OTHERS)
def test_javascript_alone(tests):
    code, output = run(CASES, tests)
    assert code == 0, output


@needs_node
def test_settings_give_the_same_tokens_in_both_languages(tmp_path):
    rng = np.random.default_rng(0)
    model = cifviz.load_model("digits")
    transcription = [
        model.transcribe(cifviz.load_clip(name).waveform)
        for name in ("digits_five", "digits_pause", "silence")
    ]
    assert random_settings(rng, 1).keys() == model_settings(transcription[0]).keys()
    cases = []
    for _ in range(200):
        utterance = int(rng.integers(len(transcription)))
        settings = random_settings(rng, transcription[utterance].firing.alpha.shape[1])
        tokens = spans_of(realign(transcription[utterance], settings)[1])
        cases.append({"utterance": utterance, "settings": settings, "tokens": tokens})
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"data": [view_data(one) for one in transcription], "cases": cases}))
    code, output = run(path, "utterances.test.mjs")
    assert code == 0, output


@needs_node
def test_the_spectrogram_of_samples_is_that_of_python(tmp_path):
    """At the frames of the model, and where each column is the largest of 2 or 8 frames."""
    rng = np.random.default_rng(3)
    powers = []
    for size in (4, 8, 64, 512):
        numbers = rng.normal(size=size)
        power = np.abs(np.fft.rfft(numbers)) ** 2
        powers.append({"numbers": numbers.tolist(), "power": power.tolist()})
    hertz = mel_frequencies(42, 60, 7600)
    mel = {"count": 42, "lowest": 60, "highest": 7600, "hertz": hertz.tolist()}
    model = cifviz.load_model("digits")
    noise = cifviz.Waveform(rng.normal(scale=0.1, size=4410).astype(np.float32), 11025)
    noisy = cifviz.Transcription.from_alpha(np.full(10, 0.5), frame_shift=0.04, waveform=noise)
    sounds = []
    for name, transcription in {
        "speech": model.transcribe(cifviz.load_clip("digits_five").waveform),
        "silence": model.transcribe(cifviz.Waveform(np.zeros(5000, dtype=np.float32))),
        "noise at another rate": noisy,
    }.items():
        log_mel, clock = transcription.spectrogram
        coded = base64.b64decode(data.log_mel_of(log_mel, clock)["values"])
        steps = np.frombuffer(coded, np.uint8).reshape(len(log_mel), -1)
        levels = {}
        for level in (0, 1, 3):
            padded = np.pad(steps, ((0, -len(steps) % 2**level), (0, 0)))
            pooled = padded.reshape(-1, 2**level, steps.shape[1]).max(axis=1)
            levels[level] = pooled.ravel().tolist()
        facts = data.sound_facts(transcription)
        one = {"name": name, "rate": facts["rate"], "features": facts["features"]}
        samples = transcription.waveform.samples.tolist()
        sounds.append({**one, "samples": samples, "levels": levels})
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"powers": powers, "mel": mel, "sounds": sounds}), "utf-8")
    code, output = run(path, "spectrogram.test.mjs")
    assert code == 0, output


OF_INTEREST = {
    "threshold": (0.2, 2),
    "slack": (0, 0.5),
    "count": (0, 12),
    "gain": (0.2, 2),
    "smoothing": (0, 8),
}
"""Narrower than the values allowed, at most of which nothing fires or everything does."""


def random_settings(rng, frames):
    """Every control somewhere."""
    settings = {
        "tail": random_tail(rng, 1.0),
        "weights": {str(int(rng.integers(frames))): float(rng.uniform(0, 1.5))},
    }
    for name, allowed in RANGES["numbers"].items():
        least, most = OF_INTEREST.get(name, allowed)
        whole = name in RANGES["whole"]
        settings[name] = int(rng.integers(least, most + 1)) if whole else rng.uniform(least, most)
    for name, words in RANGES["words"].items():
        settings[name] = str(rng.choice(words))
    return settings


def test_the_reference_in_plain_python_has_the_same_results():
    """So that three implementations, not two, run one set of cases."""
    plain = [
        one
        for one in named_cases()
        if not {"count", "phrases", "gain"} & one.keys()
        and not tail.RULES[one.get("tail", {"rule": "drop"})["rule"]].scales
    ]
    assert len(plain) > 15
    for one in plain:
        weights = [float(weight) for weight in np.float32(one["weights"])]
        settings = {"threshold": one.get("threshold", 1.0), "slack": one.get("slack", 0.0)}
        rows, positions, residual = reference.integrate_and_fire(weights, **settings)
        expected = one["expected"]
        full = expected["fires"] - expected["tailFired"]
        assert len(positions) == full, one["name"]
        assert positions == pytest.approx(expected["positions"][:full], abs=1e-6), one["name"]
        assert residual == pytest.approx(expected["residual"], abs=1e-6), one["name"]
        for row, contributed in zip(rows, expected["contributions"], strict=False):
            assert row == pytest.approx(contributed, abs=1e-6), one["name"]
