"""Lip reading on drawn mouths: errors, speed, counts at other clocks, and what looks alike.

All videos are drawn, so nothing here is an error rate of reading people's lips. What can be
compared are systems, clocks and phones.

* The runs of "drawn-lips": words, by what helped the encoder in training, at 25 and 50 pictures a
  second; and an autoregressive reader.
* Noisy parallel decoding, as in `count_rescoring`: the auxiliary decoder of the same model judges
  candidates of m̂ − b … m̂ + b tokens.
* Milliseconds of an utterance by its number of words.
* The runs of "drawn-phones": counts by how many pictures a phone has, and which phones are taken
  for which.

References
----------
Liu et al. (2020), arXiv:2008.02516 (FastLR), of which the abstract was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cifviz.corpora.drawn_mouth import VISEMES, VOWELS
from cifviz.corpora.labelled_utterance import LabelledUtterance
from cifviz.errors import DataError, require
from cifviz.metrics import spread, token_errors
from cifviz.metrics.statistics import mean
from cifviz.metrics.token_scores import EQUAL, SUBSTITUTE, aligned
from cifviz.published import read_results, read_study
from cifviz.systems.count_hypotheses import CountHypotheses, count_hypotheses
from cifviz.systems.fastlr import AuxiliaryScorer
from cifviz.text_tables import markdown_table
from experiments.drawn_sentences import drawn_utterances
from experiments.measure import transcribe_all
from experiments.recipes import drawn_lips, drawn_phones, find_recipe
from experiments.runs import loaded
from experiments.studies.count_rescoring import REACH, closest, scores_by_reach
from experiments.studies.error_columns import ERROR_HEADS, error_cells, error_rates
from experiments.studies.nar_claims import SCORES, VERDICTS, Claim, claim_table
from experiments.studies.nar_comparison import line_fit, milliseconds, processor
from experiments.studies.paired_seeds import (
    differences,
    folders_by_seed,
    grouped,
    judged,
    with_judgement,
)
from experiments.studies.study import Study
from experiments.studies.variant_tables import seeds_cell

NAME = "lip-reading"
WORDS, STRINGS = "drawn-lips", "drawn-phones"
RESCORED = ("no-warm-up", "", "50fps")
"""Variants of `WORDS` that learned with an auxiliary decoder."""
SCORERS = {"auxiliary": "auxiliary decoder", "reference": "the reference: a bound"}
LENGTHS = (2, 4, 6, 12, 24)
"""Words of the utterances that are timed, `TIMED` of each."""
LEARNED = 6
"""Words of the longest utterances in training: of longer ones a reader may stop too early."""
TIMED, SEED = 4, 195
"""How many, and of the generator that draws them."""
REACHES = range(1, REACH + 1)
"""Values of b that are timed."""

TITLES = {
    "ar": "autoregressive",
    "alone": "I&F-NAR",
    "with-ctc": "+ CTC",
    "no-warm-up": "+ auxiliary AR decoder",
    "": "+ warm-up",
}
"""Rows of the table, by variant; each but the first adds one thing."""
CLOCKS = {"": "25", "50fps": "50"}
"""Pictures in a second, by the variant of `WORDS`."""
PHONE_CLOCKS = {"50fps": "50", "": "25", "17fps": "16.7", "12fps": "12.5"}
"""The same of `STRINGS`."""
EDGES = (1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
"""Pictures of a phone, between the rows of the table of counts."""


def _variant(clock: str, name: str) -> str:
    """Name of a variant of `WORDS` at a clock.

    >>> _variant("50fps", "ar"), _variant("50fps", ""), _variant("", "ar")
    ('50fps-ar', '50fps', 'ar')
    """
    return "-".join(part for part in (clock, name) if part)


CLAIMS = (
    Claim(
        "the autoregressive reader makes fewer errors: FastLR loses some accuracy",
        "abstract of arXiv:2008.02516",
        "ar",
        "",
        "token errors %",
    ),
    Claim(
        "it also does compared with the CIF that learns without any help",
        "expected here; no source is quoted",
        "ar",
        "alone",
        "token errors %",
    ),
    Claim(
        "an auxiliary CTC decoder helps: fewer errors",
        "abstract of arXiv:2008.02516",
        "with-ctc",
        "alone",
        "token errors %",
    ),
    Claim(
        "so does an auxiliary autoregressive decoder",
        "abstract of arXiv:2008.02516",
        "no-warm-up",
        "with-ctc",
        "token errors %",
    ),
    Claim(
        "and a warm-up without integrate-and-fire",
        "expected here; no source is quoted",
        "",
        "no-warm-up",
        "token errors %",
    ),
    Claim(
        "50 pictures a second lead to fewer errors than 25",
        "expected here; no source is quoted",
        "50fps",
        "",
        "token errors %",
    ),
)
UNTESTED = (
    "Not testable here: word error rates on GRID and LRS2, and the factor of 10.97 in speed, "
    "because no video of a person is among the data, and sizes are a hundredth of theirs; what "
    "sub-words (BPE) gain, because a word is a token."
)


# Measurements


def rescored(model: Any, utterances: Sequence[LabelledUtterance]) -> dict[str, Any]:
    """Candidates of every utterance, chosen by each of `SCORERS` within each b.

    Parameters
    ----------
    model : FastLRRecognizer
        In evaluation mode.
    utterances : sequence of LabelledUtterance
        With their videos.

    Returns
    -------
    dict
        Under each of `SCORERS` what `count_rescoring.scores_by_reach` gives.
    """
    references = [[word.token for word in one.words] for one in utterances]
    chosen: dict[str, list[list[Sequence[str]]]] = {name: [] for name in SCORERS}
    for one, reference in zip(utterances, references, strict=True):
        video = one.extras["video"]
        judge = AuxiliaryScorer(model, video)
        found = count_hypotheses(model, one.waveform, judge, reach=REACH, video=video)
        within = [found.within(reach) for reach in range(REACH + 1)]
        chosen["auxiliary"].append([each.transcription.tokens for each in within])
        chosen["reference"].append([closest(each, reference) for each in within])
    return {name: scores_by_reach(references, each) for name, each in chosen.items()}


def timed_utterances() -> list[LabelledUtterance]:
    """`TIMED` utterances of each of `LENGTHS`, at 25 pictures a second."""
    made = []
    for length in LENGTHS:

        def words(rng: np.random.Generator, length: int = length) -> list[str]:
            return [str(word) for word in rng.choice(drawn_lips.VOCABULARY, length)]

        made += drawn_utterances(words, TIMED, SEED + length)
    return made


def times(reader: Any, autoregressive: Any, utterances: Sequence[LabelledUtterance]) -> Any:
    """Milliseconds of the processor for each utterance alone, from pictures to tokens.

    Parameters
    ----------
    reader, autoregressive : FastLRRecognizer, LipAttentionRecognizer
        In evaluation mode.
    utterances : sequence of LabelledUtterance

    Returns
    -------
    dict
        For each utterance the number of its ``words``, and the time of "autoregressive", "NAR"
        and, with the auxiliary decoder that judges, "NPD, b = 1" …; under ``given`` how many words
        each gave.
    """
    measured: dict[str, Any] = {"words": [len(one.words) for one in utterances], "given": {}}
    for one in utterances:
        video = one.extras["video"]
        calls = {
            "autoregressive": partial(autoregressive.transcribe, one.waveform, video=video),
            "NAR": partial(reader.transcribe, one.waveform, video=video),
        }
        judge = AuxiliaryScorer(reader, video)
        for reach in REACHES:
            calls[f"NPD, b = {reach}"] = partial(
                count_hypotheses, reader, one.waveform, judge, reach=reach, video=video
            )
        for name, call in calls.items():
            found = call()
            chosen = found.best.transcription if isinstance(found, CountHypotheses) else found
            measured["given"].setdefault(name, []).append(len(chosen.tokens))
            measured.setdefault(name, []).append(milliseconds(call))
    return measured


def confusions(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> list[list[int]]:
    """How often each phone is taken for each: rows are of the reference, in `VOCABULARY`.

    Deleted and inserted phones are in none. Of two pairs, the second is wrong:

    >>> made = confusions([["p", "b"]], [["p", "p"]])
    >>> made[0][0], made[1][0], sum(map(sum, made))
    (1, 1, 2)
    """
    place = {phone: index for index, phone in enumerate(drawn_phones.VOCABULARY)}
    counts = np.zeros((len(place), len(place)), int)
    for edits, reference, hypothesis in zip(
        aligned(references, hypotheses), references, hypotheses, strict=True
    ):
        for edit in edits:
            if edit.kind in (EQUAL, SUBSTITUTE):
                for r, h in zip(edit.reference, edit.hypothesis, strict=True):
                    counts[place[reference[r]], place[hypothesis[h]]] += 1
    return [[int(one) for one in row] for row in counts]


def read_phones(model: Any, utterances: Sequence[LabelledUtterance]) -> dict[str, Any]:
    """What a reader of phones makes of strings.

    Returns
    -------
    dict
        Of each utterance ``pictures``, how many are seen while it is spoken, and ``reference`` and
        ``hypothesis``, the numbers of tokens; ``confusions``; and ``viseme_error_rate``, where
        phones that look alike are one.
    """
    found = transcribe_all(model, utterances)
    references = [[word.token for word in one.words] for one in utterances]
    hypotheses = [one.tokens for one in found]
    seen = token_errors(*(_visemes(each) for each in (references, hypotheses)))
    return {
        "pictures": [
            round((one.words.spans[-1][1] - one.words.spans[0][0]) / model.grid.shift, 2)
            for one in utterances
        ],
        "reference": [len(one) for one in references],
        "hypothesis": [len(one) for one in hypotheses],
        "confusions": confusions(references, hypotheses),
        "viseme_error_rate": seen.rate,
    }


def _visemes(tokens: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[VISEMES[phone] for phone in one] for one in tokens]


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Rescore and time the finished runs of words, and read the strings of phones."""
    # 1. Words: candidates of other counts.
    chosen, phones = [], []
    for variant in RESCORED:
        recipe = find_recipe(WORDS, variant)
        utterances = recipe.test() if recipe.test else []
        for seed, folder in folders_by_seed(recipe, runs).items():
            scores = rescored(loaded(recipe, folder), utterances)
            chosen.append({"variant": variant, "seed": seed, **scores})

    # 2. Phones.
    for variant in PHONE_CLOCKS:
        recipe = find_recipe(STRINGS, variant)
        utterances = recipe.test() if recipe.test else []
        for seed, folder in folders_by_seed(recipe, runs).items():
            phones.append(
                {
                    "variant": variant,
                    "seed": seed,
                    **read_phones(loaded(recipe, folder), utterances),
                }
            )

    found = {"vocabulary": list(drawn_phones.VOCABULARY), "rescored": chosen, "phones": phones}

    # 3. Speed.
    pair = time_pair(runs)
    if pair:
        seed, reader, other = pair
        timed = {"seed": seed, **times(reader, other, timed_utterances())}
        found |= {"processor": processor(), "times": timed}
    missing = f"no finished run of {WORDS!r} or {STRINGS!r} in {runs}"
    require(bool(chosen or phones or pair), missing, DataError)
    return found


def time_pair(runs: Path) -> tuple[int, Any, Any] | None:
    """The first seed of which there are both readers of words, and those; None without any."""
    recipes = [find_recipe(WORDS, variant) for variant in ("", "ar")]
    folders = [folders_by_seed(recipe, runs) for recipe in recipes]
    both = sorted(folders[0].keys() & folders[1].keys())
    if not both:
        return None
    reader, other = (
        loaded(recipe, found[both[0]]) for recipe, found in zip(recipes, folders, strict=True)
    )
    return both[0], reader, other


# Tables


def read(folder: Path) -> dict[str, Any]:
    """The published study, and under "runs" the published runs of words and phones."""
    runs = [one for one in read_results(folder) if one["recipe"] in (WORDS, STRINGS)]
    return {**read_study(folder, NAME), "runs": runs}


def table(found: Mapping[str, Any]) -> str:
    """All tables, one below the other, and what they say of the claims."""
    parts = [
        system_table(found["runs"]),
        reach_table(found["rescored"]),
        time_table(found),
        clock_table(found["phones"]),
        viseme_table(found),
        claim_table(
            found["runs"], claims=CLAIMS, tasks={WORDS: "test"}, scores=SCORES, untested=UNTESTED
        ),
        "\n".join(f"- {line}" for line in verdicts(found)),
    ]
    return "\n\n".join(part for part in parts if part)


def system_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Errors and counts of every reader of words, mean ± standard deviation over seeds."""
    heads = ["drawn lips, test set", "pictures/s", "seeds", *ERROR_HEADS, "right count %"]
    rows = []
    for clock, pictures in CLOCKS.items():
        for name, title in TITLES.items():
            of_it = (WORDS, _variant(clock, name))
            found = [one["test"] for one in runs if (one["recipe"], one["variant"]) == of_it]
            if found:
                counts = spread([100 * one["count_accuracy"] for one in found], digits=1)
                rows.append([title, pictures, seeds_cell(len(found)), *error_cells(found), counts])
    return markdown_table(heads, rows) if rows else ""


def reach_table(rescored_runs: Sequence[Mapping[str, Any]]) -> str:
    """Errors by b, and how they differ from those at b = 0, seed by seed."""
    heads = ["trained as", "scorer", "b", "seeds", *ERROR_HEADS, "change of errors, points"]
    rows = []
    for (variant,), by_seed in grouped(rescored_runs, "variant").items():
        title = TITLES.get(variant, f"{CLOCKS.get(variant, '')} pictures/s")
        plain = error_rates({seed: one["auxiliary"][0] for seed, one in by_seed.items()})
        for scorer, named in SCORERS.items():
            for reach in range(scorer != "auxiliary", REACH + 1):
                if scorer == "reference" and reach < REACH:
                    continue
                scores = {seed: one[scorer][reach] for seed, one in by_seed.items()}
                apart = with_judgement(differences(error_rates(scores), plain)) if reach else ""
                cells = error_cells([*scores.values()])
                shown = named if reach else "none"
                rows.append([title, shown, str(reach), seeds_cell(len(scores)), *cells, apart])
    return markdown_table(heads, rows) if rows else ""


def time_table(found: Mapping[str, Any]) -> str:
    """Milliseconds and words that are given by the number of words, and what a word more takes."""
    if "times" not in found:
        return ""
    measured = found["times"]
    heads = ["decoding", *(f"{length} words: ms (words given)" for length in LENGTHS)]
    heads.append(f"ms per word, up to {LEARNED}")
    words = measured["words"]
    learned = [place for place, length in enumerate(words) if length <= LEARNED]
    rows, of_length, slopes = [], {}, {}
    for name, given in measured["given"].items():
        values = measured[name]
        of_length[name] = [_mean_of(values, words, length) for length in LENGTHS]
        slopes[name] = line_fit(*([each[place] for place in learned] for each in (words, values)))
        counts = [_mean_of(given, words, length) for length in LENGTHS]
        cells = [f"{ms:.2f} ({n:.1f})" for ms, n in zip(of_length[name], counts, strict=True)]
        rows.append([name, *cells, "{:.3f} ± {:.3f}".format(*slopes[name])])
    pairs = zip(LENGTHS, of_length["autoregressive"], of_length["NAR"], strict=True)
    faster = [slow / fast for length, slow, fast in pairs if length <= LEARNED]
    (slow, slow_error), (fast, fast_error) = slopes["autoregressive"], slopes["NAR"]
    is_less = fast + fast_error < slow - slow_error and min(faster) > 1
    verdict = "reproduced in direction" if is_less else "not reproduced"
    note = (
        f"Processor time of one utterance alone, pictures to tokens, seed {measured['seed']}; "
        f"{found['processor']}, one thread; mean of {TIMED}. In training an utterance had "
        f"{LEARNED} words at most. Up to {LEARNED} words, decoding all tokens at once is "
        + ", ".join(f"{one:.1f}" for one in faster)
        + f" times as fast as one after the other (FastLR: up to 10.97 times; {verdict})."
    )
    return f"{markdown_table(heads, rows)}\n\n{note}"


def _mean_of(values: Sequence[float], words: Sequence[int], length: int) -> float:
    """Mean over the utterances of a length."""
    return mean([value for value, one in zip(values, words, strict=True) if one == length])


def clock_table(phones: Sequence[Mapping[str, Any]]) -> str:
    """Counts and errors by clock, then counts by how many pictures a phone has."""
    # 1. By clock.
    heads = ["drawn phones, test set", "seeds", "pictures per phone", "right count %"]
    heads += ["mean abs(count − N)", "viseme errors %", "phones wrong %", "of these, same viseme %"]
    rows = []
    for (variant,), by_seed in grouped(phones, "variant").items():
        each = [*by_seed.values()]
        right = [100 * mean(_right(one)) for one in each]
        off = [
            mean([abs(r - h) for r, h in zip(one["reference"], one["hypothesis"], strict=True)])
            for one in each
        ]
        confused = [confused_share(one["confusions"]) for one in each]
        cells = [
            f"{PHONE_CLOCKS[variant]} pictures/s",
            seeds_cell(len(each)),
            f"{sum(each[0]['pictures']) / sum(each[0]['reference']):.2f}",
            spread(right, digits=1),
            spread(off),
            spread([100 * one["viseme_error_rate"] for one in each], digits=1),
            spread([100 * wrong for wrong, _ in confused], digits=1),
            spread([100 * alike for _, alike in confused], digits=1),
        ]
        rows.append(cells)
    if not rows:
        return ""

    # 2. By the pictures that a phone of an utterance has, over all clocks and seeds.
    binned: dict[int, list[bool]] = {}
    for one in phones:
        frames = np.array(one["pictures"]) / np.array(one["reference"])
        for place, right_count in zip(np.digitize(frames, EDGES), _right(one), strict=True):
            binned.setdefault(int(place), []).append(right_count)
    of_bin = [
        [_range(place), str(len(values)), f"{100 * mean(values):.1f}"]
        for place, values in sorted(binned.items())
    ]
    by_frames = markdown_table(
        ["pictures per phone, T/N", "utterances, all clocks and seeds", "right count %"], of_bin
    )
    return f"{markdown_table(heads, rows)}\n\n{by_frames}\n\n{about_guessing()}"


def about_guessing() -> str:
    """What a reader would do that sees every viseme and guesses the phone, and a blind one."""
    alike = _looks_alike().sum(axis=1)
    is_vowel = np.array([phone in VOWELS for phone in drawn_phones.VOCABULARY])
    # Every second phone of a string is a vowel.
    right = mean([float((1 / alike[kind]).mean()) for kind in (is_vowel, ~is_vowel)])
    blind = float((alike - 1).mean()) / (len(alike) - 1)
    return (
        f"A reader that sees every viseme and guesses among its phones has {100 - 100 * right:.1f} "
        "% of the phones wrong, all of them in the same viseme. Of phones that are taken for any "
        f"other at random, {100 * blind:.1f} % are in the same viseme. T/N counts the pictures "
        "from the first phone to the last one."
    )


def _looks_alike() -> np.ndarray:
    """Which phones of the vocabulary share a viseme (phones, phones)."""
    seen = np.array([VISEMES[phone] for phone in drawn_phones.VOCABULARY])
    return np.asarray(seen[:, None] == seen)


def verdicts(found: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each claim that is not one of two trainings."""
    for (variant,), by_seed in grouped(found["rescored"], "variant").items():
        title = TITLES.get(variant, f"{CLOCKS.get(variant, '')} pictures/s")
        each = [
            error_rates({seed: one["auxiliary"][reach] for seed, one in by_seed.items()})
            for reach in range(REACH + 1)
        ]
        says = [VERDICTS[judged(differences(one, each[0]))] for one in each[1:]]
        shown = "; ".join(f"b = {reach}: {one}" for reach, one in enumerate(says, start=1))
        yield (
            "Fewer errors in words where the auxiliary decoder chooses among counts, trained as "
            f'"{title}": {shown}. {_seeds(by_seed)}'
        )
    by_clock = grouped(found["phones"], "variant")
    usual = _wrong_counts(by_clock.get(("",), {}))
    for variant, clock in PHONE_CLOCKS.items():
        other = _wrong_counts(by_clock.get((variant,), {}))
        if variant and other:
            more = VERDICTS[judged(differences(usual, other))]
            fewer = VERDICTS[judged(differences(other, usual))]
            faster = float(clock) > float(PHONE_CLOCKS[""])
            yield (
                f"{'Fewer' if faster else 'More'} wrong counts of phones at {clock} than at "
                f"{PHONE_CLOCKS['']} pictures a second: {fewer if faster else more}. "
                f"{_seeds(set(usual) & set(other))}"
            )


def _wrong_counts(by_seed: Mapping[int, Mapping[str, Any]]) -> dict[int, float | None]:
    return {seed: 100 - 100 * mean(_right(one)) for seed, one in by_seed.items()}


def _seeds(seeds: Collection[int]) -> str:
    return f"Seeds: {seeds_cell(len(seeds))}."


def _right(one: Mapping[str, Any]) -> list[bool]:
    """Whether each utterance has as many tokens as it should."""
    return [r == h for r, h in zip(one["reference"], one["hypothesis"], strict=True)]


def _range(place: int) -> str:
    """The values of T/N in a row.

    >>> _range(0), _range(1), _range(7)
    ('below 1.25', '1.25 to 1.5', 'from 6')
    """
    if place == 0:
        return f"below {EDGES[0]:g}"
    if place == len(EDGES):
        return f"from {EDGES[-1]:g}"
    return f"{EDGES[place - 1]:g} to {EDGES[place]:g}"


def confused_share(counts: Sequence[Sequence[int]]) -> tuple[float, float]:
    """Share of paired phones that are wrong, and how many of these look like the right one.

    "p" taken for "b" looks alike, "p" taken for "f" does not:

    >>> counts = np.zeros((24, 24), int)
    >>> counts[0, :4] = 6, 3, 0, 0
    >>> counts[0, 3] = 1
    >>> wrong, alike = confused_share(counts)
    >>> round(wrong, 2), round(alike, 2)
    (0.4, 0.75)
    """
    matrix = np.asarray(counts)
    alike_pairs = _looks_alike()
    off = matrix * (1 - np.eye(len(matrix), dtype=int))
    wrong = int(off.sum())
    alike = int((off * alike_pairs).sum())
    return wrong / max(1, int(matrix.sum())), alike / max(1, wrong)


def viseme_matrix(counts: Sequence[Sequence[int]]) -> tuple[list[str], np.ndarray]:
    """The same by visemes: their names, and shares of each row (visemes, visemes)."""
    seen = [VISEMES[phone] for phone in drawn_phones.VOCABULARY]
    names = list(dict.fromkeys(seen))
    belongs = np.array([[one == name for name in names] for one in seen], int)
    summed = belongs.T @ np.asarray(counts) @ belongs
    return names, summed / np.maximum(1, summed.sum(axis=1, keepdims=True))


def viseme_table(found: Mapping[str, Any]) -> str:
    """Which viseme is taken for which at 25 pictures a second, in %, all seeds together."""
    counts = [np.asarray(one["confusions"]) for one in found["phones"] if not one["variant"]]
    if not counts:
        return ""
    names, shares = viseme_matrix(np.sum(counts, axis=0).tolist())
    rows = [
        [name, *(f"{100 * share:.1f}" for share in row)]
        for name, row in zip(names, shares, strict=True)
    ]
    return markdown_table(["viseme, % taken for", *names], rows)


STUDY = Study(run, read, table, rows=dict.fromkeys(("rescored", "phones"), ("variant", "seed")))
