"""Files that are saved from an explorer are those of the library, byte for byte."""

import json
import random
import subprocess
from pathlib import Path

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.formats import write_alignments
from tests.explorer.test_javascript import needs_node, run
from tests.formats.test_round_trips import LABELS, TRAPS

HERE = Path(__file__).parent
SUFFIXES = (".TextGrid", ".csv", ".json", ".ctm", ".srt", ".vtt", ".txt")
ONE_TIER = (".ctm", ".srt", ".vtt", ".txt")
GAPS = (0.0, 1e-7, 1 / 128, 0.0005, 0.1, 0.1 + 0.2, 1 / 3, 59.9995, 3600.0)
DETAILS = {
    "settings": {
        "threshold": 1,
        "gain": 0.85,
        "tiny": 1e-7,
        "z": {},
        "🙂": [],
        "\uffff": 0,
    }
}


def drawn(rng, labels):
    """An alignment as JavaScript has one: all tokens have times."""
    tokens, time = [], rng.choice(GAPS)
    for label in labels:
        end = time + rng.choice(GAPS)
        tokens.append(TimedToken(label, float(time), float(end)))
        time = end + rng.choice(GAPS)
    return Alignment(tuple(tokens))


def case(folder, tiers, duration, name="talk"):
    """Tiers and what each format makes of them; None for what it refuses."""
    expected = {}
    for suffix in SUFFIXES:
        given = next(iter(tiers.values())) if suffix in ONE_TIER else tiers
        path = folder / f"{name}{suffix}"
        try:
            write_alignments(path, given, duration, details=DETAILS, overwrite=True)
            expected[suffix] = path.read_bytes().decode("utf-8")
        except DataError:
            expected[suffix] = None
    written = [
        [key, [{"label": t.token, "start": t.start, "end": t.end} for t in tokens]]
        for key, tokens in tiers.items()
    ]
    return {
        "tiers": written,
        "duration": duration,
        "name": name,
        "details": DETAILS,
        "expected": expected,
    }


def cases(folder):
    """Every label alone, and many tiers at random."""
    rng = random.Random(0)
    every = [*LABELS, *TRAPS]
    made = [case(folder, {"words": drawn(rng, [label])}, 4000.0) for label in every]
    made += [case(folder, {label: drawn(rng, ["a"])}, 4000.0) for label in every]
    for index in range(200):
        names = rng.sample(["words", "phones", "reference", "é", "🙂", "words (no interval)"], 3)
        usual = LABELS if index % 2 else every
        tiers = {name: drawn(rng, rng.choices(usual, k=rng.randrange(5))) for name in names}
        made.append(case(folder, tiers, rng.choice([0.0, 1.0, 1e-9, 1e5, 1e9])))
    made.append(case(folder, {"words": drawn(rng, ["a"])}, 4000.0, "my  talk\u3000x"))
    return made


@needs_node
def test_every_text_is_that_of_the_library(tmp_path):
    made = cases(tmp_path)
    refused = [one["expected"][suffix] is None for one in made for suffix in SUFFIXES]
    assert 0.05 < sum(refused) / len(refused) < 0.8
    path = tmp_path / "cases.json"
    path.write_text(json.dumps(made), "utf-8")
    code, output = run(path, "downloads.test.mjs")
    assert code == 0, "\n".join(line for line in output.splitlines() if "ok" not in line)[-5000:]


@needs_node
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_text_that_differs_is_found(tmp_path, suffix):
    one = case(tmp_path, {"words": Alignment((TimedToken("a", 0.25, 0.5),))}, 1.0)
    one["expected"][suffix] = one["expected"][suffix].replace("5", "6")
    path = tmp_path / "cases.json"
    path.write_text(json.dumps([one]), "utf-8")
    code, output = run(path, "downloads.test.mjs")
    assert code != 0 and f"case 0 {suffix}" in output


@needs_node
def test_corrected_tokens_are_saved_as_the_library_saves_them(tmp_path):
    """Corrections at random, in JavaScript; what came out of them is written in both languages."""
    rng = random.Random(1)
    given = []
    for index in range(60):
        usual = LABELS if index % 2 else [*LABELS, *TRAPS]
        own = drawn(rng, rng.choices(usual, k=rng.randrange(1, 8)))
        tokens = [{"label": t.token, "start": t.start, "end": t.end} for t in own]
        compare = [{"name": name, "tokens": tokens} for name in rng.sample(["CTC", "CIF"], 1)]
        duration = tokens[-1]["end"] + rng.choice([0.25, 1 / 3])
        given.append({"tokens": tokens, "compare": compare, "duration": duration, "seed": index})
    path = tmp_path / "given.json"
    path.write_text(json.dumps(given), "utf-8")
    done = subprocess.run(
        ["node", str(HERE / "js" / "corrected.mjs"), str(path)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    made = json.loads(done.stdout)
    assert len(made) == len(given)
    written = 0
    for one, source in zip(made, given, strict=True):
        tiers = {
            name: Alignment(
                tuple(TimedToken(t["label"], float(t["start"]), float(t["end"])) for t in tokens)
            )
            for name, tokens in one["tiers"]
        }
        assert list(tiers)[:2] == ["tokens", "CIF (2)" if "CIF" in list(tiers)[2:] else "CIF"]
        expected = case(tmp_path, tiers, source["duration"])["expected"]
        assert one["texts"] == expected
        written += sum(text is not None for text in expected.values())
    assert written > 0.4 * len(SUFFIXES) * len(made)
