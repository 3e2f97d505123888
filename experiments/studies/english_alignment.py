"""CIF on word boundaries of English: set by hand, and by pocketsphinx on utterances kept out.

A transcript is given; what differs is how its words find their places. Every constant, and every
quantile of mass, is learned for each row on the prompts and sentences of GRID that nothing was
trained on, with pocketsphinx' times: so their own rows are told how well constants fit that they
were fitted to. The utterances with hand labels are measured alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifviz.alignment.boundary_readout import best_of
from cifviz.alignment.joined_tokens import joined
from cifviz.alignment.timed_tokens import Alignment, Edges, TimedToken
from cifviz.audio.moonshine import load_moonshine
from cifviz.audio.noise import pink_noise
from cifviz.audio.waveform import Waveform
from cifviz.core.ctc_alignment import ctc_viterbi
from cifviz.corpora import datasets
from cifviz.corpora.corpus_registry import corpus_folder
from cifviz.corpora.pronunciation import pronounce
from cifviz.metrics import bootstrap, drift, edge_errors, share_within, token_errors
from cifviz.metrics.statistics import mean
from cifviz.published import read_study
from cifviz.text_tables import markdown_table
from experiments.english_words import (
    TranscribedUtterance,
    aligned,
    encoded_sound,
    english_samples,
    kept_out_words,
)
from experiments.pocketsphinx_times import word_times
from experiments.recipes import find_recipe
from experiments.runs import finished_runs, loaded
from experiments.studies.paired_seeds import folders_by_seed
from experiments.studies.study import Study

NAME = "english-alignment"
CZECH = "rpraat_H"
LEFT_OUT = ("phonlab_two_plus_two", CZECH)
"""Of the utterances with hand labels: more is said than is labelled; Czech."""
OVERLAP = 0.1
"""Seconds by which the labels of two words overlap where neither has an edge of its own."""
HAND, NOISY = "hand labels", "hand labels, pink noise at 10 dB"
PROMPTS, GRID = "prompts", "grid"
DEV = (PROMPTS, GRID)
NOISE_DB = 10
FIRES = Edges(0.0, 1.0, cut="fires")

Method = Callable[[TranscribedUtterance], Alignment]
Sets = Mapping[str, Sequence[TranscribedUtterance]]

# --- what is aligned -----------------------------------------------------------------------------


def hand_labelled() -> list[TranscribedUtterance]:
    """The English utterances whose word boundaries were set by hand, but for `LEFT_OUT`."""
    found = []
    for name, (waveform, times) in datasets.human_aligned().items():
        if name not in LEFT_OUT:
            words = pronounce(" ".join(one.token for one in times))
            found.append(TranscribedUtterance(name, waveform, words, times))
    return found


def czech(voice: str) -> TranscribedUtterance:
    """The Czech utterance with hand labels, read by a voice of eSpeak NG."""
    waveform, times = datasets.human_aligned()[CZECH]
    words = pronounce(" ".join(one.token for one in times), voice=voice)
    return TranscribedUtterance(f"{CZECH} {voice}", waveform, words, times)


def noisy(one: TranscribedUtterance) -> TranscribedUtterance:
    """The same with pink noise 10 dB below the power of the whole."""
    samples, rate = one.waveform.samples, one.waveform.sample_rate
    noise = pink_noise(len(samples), rate, np.random.default_rng(0))
    level = np.sqrt(np.mean(samples.astype(np.float64) ** 2)) * 10 ** (-NOISE_DB / 20)
    return replace(one, waveform=Waveform((samples + level * noise).astype(np.float32), rate))


def overlapping() -> set[tuple[str, int, int]]:
    """Edges that two words with hand labels share by force: utterance, word, and 0 or 1."""
    rows: dict[str, list[tuple[float, float]]] = {}
    columns = {"id": str, "start_s": float, "end_s": float}
    for row in datasets.read_table(corpus_folder("human_aligned") / "words.csv", columns):
        rows.setdefault(row["id"], []).append((row["start_s"], row["end_s"]))
    return {
        edge
        for name, spans in rows.items()
        for word, (one, other) in enumerate(pairwise(spans))
        if one[1] - other[0] > OVERLAP
        for edge in ((name, word, 1), (name, word + 1, 0))
    }


# --- how it is aligned ---------------------------------------------------------------------------


def equal_words(one: TranscribedUtterance) -> Alignment:
    """Equal words between the true start of the first and the true end of the last."""
    return _shared(one, [1] * len(one.words))


def words_by_phones(one: TranscribedUtterance) -> Alignment:
    """Like `equal_words`, but in proportion to the numbers of their phones."""
    return _shared(one, [len(word.phones) for word in one.words])


def _shared(one: TranscribedUtterance, counts: Sequence[int]) -> Alignment:
    start, end = one.times.spans[0][0], one.times.spans[-1][1]
    edges = torch.from_numpy(start + (end - start) * np.cumsum([0, *counts]) / sum(counts))
    return Alignment.from_edges([word.text for word in one.words], edges[:-1], edges[1:])


def by_pocketsphinx(one: TranscribedUtterance) -> Alignment:
    """The times of pocketsphinx itself; untimed words where it has none, as in noise."""
    found = word_times(one.waveform, one.words)
    return found or Alignment(tuple(TimedToken(word.text) for word in one.words))


def by_cif(model: Any, sets: Sets, path: str, *, raw: bool = False) -> Method:
    """Words on a path of `cifviz.systems.phone_paths`, with edges learned on `DEV`; raw: at fires.

    Parameters
    ----------
    model : PhoneCIFRecognizer
    sets : mapping of str to sequence of TranscribedUtterance
        With those of `DEV`.
    path : str
    raw : bool
        Whether edges are the fires themselves, and nothing is learned.
    """
    find = functools.cache(partial(aligned, model, path=path))
    pairs = [] if raw else [(find(one), one.times) for name in DEV for one in sets[name]]
    edges = FIRES if raw else model.learn_edges(pairs)

    def method(one: TranscribedUtterance) -> Alignment:
        found = find(one)
        phones = Alignment.from_firing(
            found.require_firing(), found.tokens, found.grid, edges=edges, duration=found.duration
        )
        counts = [len(word.phones) for word in one.words]
        return joined(phones, [word.text for word in one.words], counts)

    return method


def by_ctc(model: Any, sets: Sets) -> Method:
    """The forced path of the CTC beside the CIF, with constants learned on `DEV`."""
    find = functools.cache(partial(_ctc_edges, model))
    errors = np.concatenate(
        [find(one) - np.array(one.times.spans) for name in DEV for one in sets[name]]
    )
    shifts = [best_of(errors[:, side : side + 1])[1] for side in (0, 1)]

    def method(one: TranscribedUtterance) -> Alignment:
        onsets, offsets = torch.from_numpy(find(one) + shifts).T
        names = [word.text for word in one.words]
        return Alignment.from_edges(names, onsets, offsets, duration=one.waveform.duration)

    return method


@torch.inference_mode()
def _ctc_edges(model: Any, one: TranscribedUtterance) -> np.ndarray:
    """First frame of each word's first phone and last of its last, in seconds (words, 2)."""
    phones = [model.config.vocabulary.index(phone) for word in one.words for phone in word.phones]
    encoded = model.encoded([encoded_sound(one)])
    log_probs = model.ctc(encoded.encoder_out).log_softmax(dim=2)
    spans = ctc_viterbi(
        log_probs,
        encoded.frame_lengths,
        torch.tensor([phones]),
        torch.tensor([len(phones)]),
        blank=log_probs.shape[2] - 1,
    )[0]
    last = np.cumsum([len(word.phones) for word in one.words]) - 1
    first = last - [len(word.phones) - 1 for word in one.words]
    edges = torch.stack([spans[first, 0], spans[last, 1]], dim=1)
    return np.asarray(model.config.grid.seconds(edges.double()))


TRIVIAL: Mapping[str, Method] = {
    "equal words between the true ends": equal_words,
    "words in proportion to their phones": words_by_phones,
}
JUDGE = "pocketsphinx"
RECIPE_ROWS: Mapping[str, Callable[[Any, Sets], Method]] = {
    "raw CIF: the count forced, edges at fires": partial(by_cif, path="count", raw=True),
    "CIF: the count forced": partial(by_cif, path="count"),
    "CIF: labels matched to fires": partial(by_cif, path="fires"),
    "CIF: segments": partial(by_cif, path="segments"),
    "CIF in CTC's windows": partial(by_cif, path="ctc"),
    "CTC forced": by_ctc,
}
"""Of the recipe."""
CZECH_ROWS = (*TRIVIAL, "CIF: the count forced", "CIF: segments", "CTC forced")
"""What the Czech utterance is aligned by."""
VOICES = {"cs": "the voice of Czech", "en-us": "that of English"}
VARIANT_ROWS: Mapping[str, str] = {
    "plain": "CIF without the losses on times: segments",
    "even": "CIF with even mass alone: segments",
    "made-up": "CIF that learned from no real speech: segments",
}
"""Of variants that ran, on the path of the recipe."""
CTC_ROW = "CTC forced"

# --- what is measured ----------------------------------------------------------------------------


def run(*, runs: Path, data: Path) -> dict[str, Any]:
    """Align everything by everything, with the models of all seeds."""
    hand = hand_labelled()
    sets: Sets = {HAND: hand, NOISY: [noisy(one) for one in hand], **kept_out_words()}
    forced = overlapping()
    rows = {title: [method] for title, method in TRIVIAL.items()}
    rows[JUDGE] = [by_pocketsphinx]
    recognition = []
    for folder in finished_runs(find_recipe("english"), runs):
        model = loaded(find_recipe("english"), folder)
        recognition.append(recognised(model, sets))
        for title, made in RECIPE_ROWS.items():
            rows.setdefault(title, []).append(made(model, sets))
    for variant, title in VARIANT_ROWS.items():
        recipe = find_recipe("english", variant)
        models = [loaded(recipe, folder) for folder in folders_by_seed(recipe, runs).values()]
        if models:
            rows[title] = [by_cif(model, sets, "segments") for model in models]
    errors = {title: [errors_of(one, sets) for one in methods] for title, methods in rows.items()}
    return {
        "rows": {
            title: measured(seeds, errors[CTC_ROW] if title != CTC_ROW else [], forced)
            for title, seeds in errors.items()
        },
        "recognition": recognition,
        "text": words_of_text(sets),
        "czech": {
            voice: {title: czech_scores(rows[title], voice) for title in CZECH_ROWS}
            for voice in VOICES
        },
    }


def czech_scores(methods: Sequence[Method], voice: str) -> dict[str, Any]:
    """Scores of the Czech utterance as a voice reads it, of all seeds together."""
    errors = [errors_of(one, {CZECH: [czech(voice)]})[CZECH] for one in methods]
    utterance = np.stack([next(iter(one.values())) for one in errors])
    return {"seeds": len(methods), **scores_of([utterance])["both"]}


Errors = dict[str, dict[str, np.ndarray]]
"""By set and utterance, of both edges: hypothesis − reference, and when that is (words, 2, 2)."""


def errors_of(method: Method, sets: Sets) -> Errors:
    """Errors of both edges of all words; nan where an utterance is not aligned."""
    found: Errors = {}
    for name, utterances in sets.items():
        found[name] = {}
        for one in utterances:
            times = np.array(one.times.spans)
            aligned_words = method(one)
            whole = aligned_words.timed == aligned_words.tokens
            errors = (
                np.array(aligned_words.spans) - times if whole else np.full_like(times, math.nan)
            )
            found[name][one.id] = np.stack([errors, times], axis=2)
    return found


def measured(
    seeds: Sequence[Errors], ctc: Sequence[Errors], forced: set[tuple[str, int, int]]
) -> dict[str, Any]:
    """Scores of each set, of all seeds together."""
    found: dict[str, Any] = {"seeds": len(seeds)}
    for name in seeds[0]:
        utterances = [np.stack([one[name][key] for one in seeds]) for key in seeds[0][name]]
        found[name] = scores_of(utterances)
        each = [absolute_mean([one[name][key][None] for key in one[name]]) for one in seeds]
        found[name]["each_seed_ms"] = each
        if len(ctc) == len(seeds):
            pairs = [
                (mine, np.stack([one[name][key] for one in ctc]))
                for key, mine in zip(seeds[0][name], utterances, strict=True)
            ]
            found[name]["to_ctc_ms"] = interval(pairs, _difference)
    own = [
        np.stack([without(one[HAND][key], key, forced) for one in seeds]) for key in seeds[0][HAND]
    ]
    found[HAND]["without_overlaps"] = scores_of(own)
    return found


def without(errors: np.ndarray, name: str, forced: set[tuple[str, int, int]]) -> np.ndarray:
    """The errors (words, 2, 2) of an utterance, those of edges that are none as nan."""
    kept = errors.copy()
    for word, side in [(word, side) for one, word, side in forced if one == name]:
        kept[word, side] = math.nan
    return kept


def scores_of(utterances: Sequence[np.ndarray]) -> dict[str, Any]:
    """Scores of onsets, offsets and both.

    Parameters
    ----------
    utterances : sequence of array (seeds, words, 2, 2)
        Errors and times in seconds; nan is left out.

    Returns
    -------
    dict
        For "onset", "offset" and "both": mean absolute, median absolute and signed mean in ms,
        shares within 20, 50 and 100 ms, drift in ms per minute. Besides "interval_ms", that of 95 %
        of the mean of both, by the bootstrap over utterances.
    """
    found: dict[str, Any] = {}
    for edge, sides in {"onset": [0], "offset": [1], "both": [0, 1]}.items():
        parts = [one[:, :, sides].reshape(-1, 2) for one in utterances]
        group = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        together = np.concatenate(parts)
        known = ~np.isnan(together[:, 0])
        errors, times = together[known].T
        summary = edge_errors(errors)
        found[edge] = {
            **{key: round(1000 * summary[key], 2) for key in MEANS},
            **{f"within_{t}ms": round(share_within(errors, t / 1000), 4) for t in (20, 50, 100)},
            "drift": round(drift(errors, times, group[known]), 1),
        }
    found["interval_ms"] = interval(list(utterances), absolute_mean)
    return found


MEANS = ("mean_absolute", "median_absolute", "signed_mean")


def absolute_mean(utterances: Sequence[np.ndarray]) -> float:
    """Mean absolute error of both edges in ms; nan where nothing is known."""
    errors = np.concatenate([one[..., 0].ravel() for one in utterances])
    return round(1000 * mean(np.abs(errors[~np.isnan(errors)])), 2)


def _difference(pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    return absolute_mean([one for one, _ in pairs]) - absolute_mean([one for _, one in pairs])


def interval(utterances: Sequence[Any], statistic: Callable[[Any], float]) -> list[float]:
    """Ends of the interval of 95 %, by the bootstrap over utterances."""
    low, high = bootstrap(utterances, lambda drawn: [statistic(drawn)])
    return [round(float(low[0]), 2), round(float(high[0]), 2)]


# --- recognition ---------------------------------------------------------------------------------


@torch.inference_mode()
def recognised(model: Any, sets: Sets) -> dict[str, Any]:
    """Phone errors of free fires, of `transcribe` and of CTC, and how far their counts are off.

    Returns
    -------
    dict
        By set: the number of "phones", the error rates "cif" (fires of the weights as they come),
        "segments" (`transcribe`) and "ctc"; "count", the mean of abs(Σα − N) / N over utterances,
        "count_pooled", the sum of abs(Σα − N) over that of N, and "segments_count", like "count",
        but of the phones that `transcribe` finds.
    """
    found, vocabulary = {}, model.config.vocabulary
    for name, utterances in {"samples": english_samples(), **sets}.items():
        references = [[phone for word in one.words for phone in word.phones] for one in utterances]
        fired, segments, paths = [], [], []
        sums: list[float] = []
        for one in utterances:
            sound = encoded_sound(one)
            encoded = model.encoded([sound])
            firing = model.cif(encoded.encoder_out, encoded.frame_lengths)
            sums.append(float(firing.weight_sum))
            fired += [by_fires.tokens for by_fires in model.decoded([sound], encoded, firing)]
            segments += [cut.tokens for cut in model.transcriptions([sound], encoded)]
            best = model.ctc(encoded.encoder_out)[0].argmax(dim=1).unique_consecutive().tolist()
            paths.append([vocabulary[i] for i in best if i < len(vocabulary)])
        counts = np.array([len(one) for one in references])
        off = np.abs(np.array(sums) - counts)
        segments_off = np.abs(np.array([len(one) for one in segments]) - counts)
        found[name] = {
            "phones": int(counts.sum()),
            "cif": round(token_errors(references, fired).rate, 4),
            "segments": round(token_errors(references, segments).rate, 4),
            "ctc": round(token_errors(references, paths).rate, 4),
            "count": round(float((off / counts).mean()), 4),
            "count_pooled": round(float(off.sum() / counts.sum()), 4),
            "segments_count": round(float((segments_off / counts).mean()), 4),
        }
    return found


def words_of_text(sets: Sets) -> dict[str, float]:
    """Word errors of the text that the encoder's own decoder reads; GRID is no natural text."""
    found = {}
    for name, utterances in {"samples": english_samples(), **sets}.items():
        if name != GRID:
            references = [plain(" ".join(word.text for word in one.words)) for one in utterances]
            texts = [load_moonshine().decode(encoded_sound(one).states) for one in utterances]
            errors = token_errors(references, [plain(text) for text in texts])
            found[name] = round(errors.rate, 4)
    return found


def plain(text: str) -> list[str]:
    """Words without capitals, hyphens and punctuation.

    >>> plain("Mr. Dash, ill-disposed, I'm")
    ['mister', 'dash', 'ill', 'disposed', 'im']
    """
    words = text.lower().replace("-", " ").replace("mr.", "mister").split()
    kept = ("".join(one for one in word if one.isalnum()) for word in words)
    return [word for word in kept if word]


# --- the tables ----------------------------------------------------------------------------------

HEADS = (
    *("hand labels, 12 utterances", "seeds", "mean ms (95 %)", "without overlaps"),
    *("onset mean", "onset median", "offset mean", "offset median"),
    *("≤ 20 ms %", "≤ 50 ms %", "≤ 100 ms %", "signed on / off", "drift ms/min", "minus CTC, 95 %"),
)


def table(found: Mapping[str, Any]) -> str:
    """Hand labels, kept-out utterances, and recognition."""
    order = [*TRIVIAL, *RECIPE_ROWS, *VARIANT_ROWS.values(), JUDGE]
    rows = {title: found["rows"][title] for title in order if title in found["rows"]}
    hand = [_hand_row(title, row) for title, row in rows.items()]
    kept = [[title, *(_short(row[name]) for name in OTHERS)] for title, row in rows.items()]
    recognition = [
        [
            name,
            *(f"{100 * _mean(found['recognition'], name, key):.1f}" for key in RECOGNITION),
            f"{100 * found['text'][name]:.1f}" if name in found["text"] else "–",
        ]
        for name in found["recognition"][0]
    ]
    return "\n\n".join(
        [
            markdown_table(HEADS, hand),
            markdown_table(["mean / median ms", *OTHERS], kept),
            markdown_table(["", *RECOGNITION.values(), "word errors % of the text"], recognition),
            markdown_table(CZECH_HEADS, _czech_rows(found["czech"])),
        ]
    )


CZECH_HEADS = (
    *("one Czech utterance, 20 edges", "phones by eSpeak NG", "seeds"),
    *("mean ms", "median ms", "≤ 20 ms %", "≤ 50 ms %", "≤ 100 ms %"),
)


def _czech_rows(found: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    return [
        [
            title,
            VOICES[voice],
            str(row["seeds"]),
            *(f"{row[key]:.1f}" for key in MEANS[:2]),
            *(f"{100 * row[f'within_{t}ms']:.0f}" for t in (20, 50, 100)),
        ]
        for voice, rows in found.items()
        for title, row in ((title, rows[title]) for title in CZECH_ROWS if title in rows)
    ]


OTHERS = (*DEV, NOISY)
RECOGNITION = {
    "cif": "phone errors %: CIF, fires of the weights as they come",
    "segments": "CIF, `transcribe`",
    "ctc": "CTC",
    "count": "abs(Σα − N) / N %, mean",
    "count_pooled": "of all phones",
    "segments_count": "the same of the phones of `transcribe`, mean",
}


def _hand_row(title: str, row: Mapping[str, Any]) -> list[str]:
    hand = row[HAND]
    low, high = hand["interval_ms"]
    on, off, both = hand["onset"], hand["offset"], hand["both"]
    apart = hand.get("to_ctc_ms")
    return [
        title,
        str(row["seeds"]),
        f"{both['mean_absolute']:.1f} ({low:.1f} to {high:.1f})",
        f"{hand['without_overlaps']['both']['mean_absolute']:.1f}",
        *(f"{one[key]:.1f}" for one in (on, off) for key in MEANS[:2]),
        *(f"{100 * both[f'within_{t}ms']:.0f}" for t in (20, 50, 100)),
        f"{on['signed_mean']:+.1f} / {off['signed_mean']:+.1f}",
        f"{both['drift']:+.0f}",
        f"{apart[0]:+.1f} to {apart[1]:+.1f}" if apart else "–",
    ]


def _short(scores: Mapping[str, Any]) -> str:
    both = scores["both"]
    return f"{both['mean_absolute']:.1f} / {both['median_absolute']:.1f}"


def _mean(seeds: Sequence[Mapping[str, Any]], name: str, key: str) -> float:
    return float(np.mean([one[name][key] for one in seeds]))


STUDY = Study(
    run,
    partial(read_study, name=NAME),
    table,
    corpora=("human_aligned", "prompts", "grid", "samples"),
)
