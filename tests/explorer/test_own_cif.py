"""The explorer shows what a CIF of another code base did, and recomputes it by that CIF's rule."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from cifviz import Transcription, explore
from cifviz.core.interop.recorded_firing import recorded_firing
from cifviz.errors import CIFError
from cifviz.explorer import to_html
from cifviz.explorer.compared import spans_of
from cifviz.explorer.data import view_data
from cifviz.explorer.settings import RANGES, fixed_in_views, fixed_settings, model_settings, realign
from cifviz.explorer.static_fallback import static_fallback
from tests.explorer.test_javascript import needs_node, random_settings, run

RNG = np.random.default_rng(3)
ALPHA = torch.from_numpy(RNG.gamma(0.7, 0.4, 80).clip(0, 1).astype(np.float32))
HAN = list("今天天气真不错我们一起去公园散步吧好的没问题那就这样说定了")


def own(dialect="", **more):
    """A CIF with as many tokens as fires."""
    counted = Transcription.from_alpha(ALPHA, frame_shift=0.04, dialect=dialect, **more)
    return Transcription.from_alpha(
        ALPHA, HAN[: len(counted.labels)], frame_shift=0.04, dialect=dialect, **more
    )


def recorded():
    """A firing that no rule repeats: frame 2 is skipped."""
    alpha = torch.tensor([[0.5, 0.5, 1.0, 0.5, 0.5]])
    return recorded_firing(
        torch.tensor([[[0.5, 0.5, 0, 0, 0], [0, 0, 0, 0.5, 0.5]]]),
        alpha=alpha,
        scaled_alpha=alpha,
        frame_lengths=torch.tensor([5]),
        threshold=1.0,
        slack=0.0,
        embeddings=torch.zeros(1, 2, 0),
        num_fires=torch.tensor([2]),
    )


@pytest.mark.parametrize("dialect", ["", *RANGES["dialects"], "w2v_cif_bert"])
def test_at_home_it_shows_the_given_tokens(dialect):
    one = own(dialect)
    firing, alignment = realign(one)
    assert firing is one.firing
    assert alignment.text == " ".join(one.tokens)
    data = view_data(one)
    assert data["tokens"] == list(one.tokens)
    assert data["home"]["stops"] == [token.end for token in alignment]


@pytest.mark.parametrize("given", [-1, 1])
def test_a_fire_more_or_fewer_than_tokens_loses_no_name(given):
    fires = len(own().tokens)
    one = Transcription.from_alpha(ALPHA, HAN[: fires + given], frame_shift=0.04)
    data = view_data(one)
    assert data["tokens"][: fires + min(given, 0)] == HAN[: fires + min(given, 0)]
    assert len(data["tokens"]) == len(data["home"]["stops"]) == fires
    assert f"{fires} fires, but {fires + given} tokens" in data["model"]["warning"]
    assert "names go by their order" in static_fallback(one)["text/html"]
    assert len(explore(one).alignment) == fires


def test_a_moved_control_is_recomputed_by_the_rule_of_that_cif():
    """Threshold 0.6, charge 1: one fire per frame as in CIF-PyTorch, not three as in torch_cif."""
    alpha = [0.5, 0.25, 0.9, 0.5]
    ours = Transcription.from_alpha(alpha, frame_shift=0.1)
    theirs = Transcription.from_alpha(alpha, frame_shift=0.1, dialect="cif_pytorch")
    moved = {"threshold": 0.6}
    assert len(realign(ours, moved)[1]) == 3  # 2.15 / 0.6
    # 0.75 fires at 1 and borrows 0.25; then -0.25 + 0.9 = 0.65 fires, too, and the rest does not.
    firing, alignment = realign(theirs, moved)
    assert len(alignment) == 2
    assert firing.contributions[0].sum(dim=1).tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("dialect", "settings"),
    [
        ("cif_pytorch", {"slack": 0.1}),
        ("cif_pytorch", {"scaling": "count"}),
        ("cif_pytorch", {"tail": {"rule": "appended", "value": 0.45}}),
        ("paraformer_v2", {"threshold": 0.9}),
        ("funasr_cif", {"tail": {"rule": "above", "value": 0.5}}),
    ],
)
def test_what_the_rule_does_not_have_cannot_be_moved(dialect, settings, tmp_path):
    one = own(dialect)
    with pytest.raises(CIFError, match="has no such setting"):
        realign(one, settings)
    with pytest.raises(CIFError, match="has no such setting"):
        explore(one).settings = settings
    with pytest.raises(CIFError, match="has no such setting"):
        to_html(one, tmp_path / "page.html", settings=settings)
    assert not (tmp_path / "page.html").exists()
    home = model_settings(one)
    assert len(realign(one, home)[1]) == len(one.tokens)  # as a view sends it, unmoved


def test_a_rule_that_javascript_does_not_know_is_shown_fixed():
    one = own("w2v_cif_bert")
    fixed, why = fixed_in_views(one)
    assert set(fixed) == set(model_settings(one))
    assert "which Python alone recomputes" in why
    with pytest.raises(CIFError, match="has no such setting"):
        explore(one).settings = {"gain": 1.5}
    assert len(realign(one, {"gain": 1.5})[1]) > len(one.tokens)
    assert "gain" not in fixed_settings(one)


def test_a_firing_that_no_rule_repeats_is_shown_fixed():
    one = Transcription.from_firing(recorded(), ["a", "b"], frame_shift=0.1)
    assert one.given_rule is None
    assert "by a rule that cifviz does not know" in one.summary
    assert realign(one)[1].text == "a b"
    with pytest.raises(CIFError, match="cifviz does not know its rule"):
        realign(one, {"gain": 2})
    data = view_data(one)
    assert set(data["fixed"]) == set(model_settings(one))
    assert data["home"]["shares"] is not None


@needs_node
def test_settings_give_the_same_tokens_in_both_languages(tmp_path):
    rng = np.random.default_rng(1)
    given = [own(dialect) for dialect in ("", *RANGES["dialects"])]
    given.append(replace(own(tail="above 0.5"), given_edges=None))
    cases = [{"utterance": n, "settings": model_settings(one)} for n, one in enumerate(given)]
    while len(cases) < 200:
        utterance = int(rng.integers(len(given)))
        one = given[utterance]
        home, settings = model_settings(one), random_settings(rng, len(ALPHA))
        fixed = fixed_settings(one)
        settings = {name: home[name] if name in fixed else settings[name] for name in home}
        if "tail rule" in fixed:
            value = settings["tail"]["value"]
            tail = {**home["tail"], "value": 0.25 if value is None else value}
            settings["tail"] = home["tail"] if "tail" in fixed else tail
        cases.append({"utterance": utterance, "settings": settings})
    kept = []
    for one in cases:
        try:
            found = realign(given[one["utterance"]], one["settings"])[1]
        except CIFError as error:  # FunASR's code fails there
            assert "the source fails" in str(error)
            continue
        kept.append({**one, "tokens": spans_of(found)})
    assert len(kept) > 150
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"data": [view_data(one) for one in given], "cases": kept}))
    code, output = run(path, "utterances.test.mjs")
    assert code == 0, output
