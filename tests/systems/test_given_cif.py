"""The tokens and fires of a CIF that is not cifviz's own, as they are, whatever came."""

import warnings

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import cifviz
from cifviz import Alignment, Edges, TimedToken, Transcription, Waveform, capture
from cifviz.cli.transcription_output import transcription_table
from cifviz.core.firing import integrate_and_fire
from cifviz.core.tail import above
from cifviz.errors import CIFError
from cifviz.formats import format_textgrid, read_alignments, write_alignments
from cifviz.plot import panel
from cifviz.systems.given_cif import FEW_FRAMES, MOST_OFF
from tests.core.interop.test_capture import CifMiddleware, CifPredictor

HAN = list("今天天气真不错我们一起去公园散步吧好的没问题那就这样说定了明天见")
ALPHA = [0.5, 0.5, 0.75, 0.5, 0.25]  # 2 tokens, and a residual of 0.5


def sound(seconds, rate=16000):
    return Waveform(0.1 * np.sin(np.arange(int(seconds * rate)) / 9).astype(np.float32), rate)


def test_weights_become_tokens_by_hand():
    one = Transcription.from_alpha(ALPHA, ["你", "好"], frame_shift=0.04, waveform=sound(0.2))
    assert one.tokens == one.labels == ("你", "好")
    assert one.alignment.spans == ((0.0, 0.08), (0.08, pytest.approx(0.14)))  # 1.75 + half of 0.5
    assert (one.scores, one.mean_score, one.config, one.log_mel) == ((), None, None, None)
    assert (one.warning, one.is_out_of_domain, one.duration) == ("", False, 0.2)
    assert one.summary == "a CIF: 2 fires in 5 frames; threshold 1, tail drop"


def test_a_tail_a_threshold_and_a_dialect():
    one = Transcription.from_alpha(ALPHA, frame_shift=0.04, tail=above(0.25), model="mine")
    assert one.labels == ("1", "2", "3")
    assert one.summary == "mine: 3 fires in 5 frames; threshold 1, tail above 0.25"
    assert len(Transcription.from_alpha(ALPHA, frame_shift=1, threshold=0.5).labels) == 5
    assert len(Transcription.from_alpha(ALPHA, frame_shift=1, dialect="torch_cif").labels) == 3
    assert Transcription.from_alpha([0.99], frame_shift=1, slack=0.02).labels == ("1",)


def test_every_array_of_weights_is_the_same():
    kinds = [
        ALPHA,
        np.float32(ALPHA),
        np.float64([ALPHA]),
        np.array(ALPHA, dtype=">f4"),
        np.float16(ALPHA)[:, None],
        torch.tensor(ALPHA, requires_grad=True),
        torch.tensor(ALPHA, dtype=torch.bfloat16),
        np.float32([ALPHA, ALPHA])[::2],
    ]
    for alpha in kinds:
        assert Transcription.from_alpha(alpha, frame_shift=0.04).alignment.text == "1 2"


@pytest.mark.parametrize(
    ("alpha", "message"),
    [
        ([0.5, -0.25], "alpha must be finite and >= 0 .* got -0.25 in row 0, frame 1"),
        ([0.5, float("nan")], "alpha must be finite .* got nan"),
        ([0.5, float("inf")], "alpha must be finite .* got inf"),
        (np.array([1, 0, 1]), "alpha must hold floating point weights, got int64"),
        (np.array([1, 0], dtype=np.uint16), "alpha must hold floating point weights"),
        (np.array([True, False]), "alpha must hold floating point weights, got bool"),
        (np.array([0.5j]), "alpha must hold floating point weights, got complex"),
        (np.array(["a"]), "alpha must hold floating point weights, got <U1"),
        (np.array([None]), "alpha must hold floating point weights, got object"),
        ("0.5", "alpha must hold floating point weights"),
        (np.zeros((2, 5)), r"weights of one utterance, .* got \(2, 5\)"),
        (np.zeros((1, 1, 5)), r"weights of one utterance, .* got \(1, 1, 5\)"),
        (np.float32(0.5), r"weights of one utterance, .* got \(\)"),
        ([[0.5], [0.5, 0.25]], "alpha must be an array"),
        (torch.ones(3, dtype=torch.complex64), "floating point weights, got complex64"),
        (torch.ones(3).to_sparse(), "alpha must be a dense tensor"),
        (torch.ones(3, device="meta"), "alpha must be a dense tensor with values"),
        (np.full(20, 1e6), "a million tokens|at most 1000000 tokens"),
    ],
)
def test_what_is_no_weights_is_one_error(alpha, message):
    with pytest.raises(CIFError, match=message):
        Transcription.from_alpha(alpha, frame_shift=0.04)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"tokens": "你好"}, "tokens must be a sequence of str, got one str"),
        ({"tokens": ["a", 3]}, "token 1 must be a str, got 3"),
        ({"tokens": 3}, "tokens must be"),
        ({"tokens": {"a", "b"}}, "tokens must be a sequence of str, got set"),
        ({"tokens": {"a": 1}}, "tokens must be a sequence of str, got dict"),
        ({"model": 3}, "model must be a str"),
        ({"start": float("nan")}, "start must be"),
        ({"frame_shift": 0}, "frame_shift must be a number of seconds above 0"),
        ({"frame_shift": float("nan")}, "frame_shift must be"),
        ({"frame_shift": "0.04"}, "frame_shift must be"),
        ({"waveform": np.zeros(16000)}, r"waveform must be a Waveform, Waveform\(samples, sample_"),
        ({"waveform": "nowhere.wav"}, "nowhere.wav"),
        ({"reference": "nowhere.TextGrid"}, "nowhere.TextGrid"),
        ({"reference": [1]}, "reference must be an Alignment or a file"),
        ({"edges": "fires"}, "edges must be"),
        ({"tail": "sometimes"}, "tail rule must be one of"),
        ({"threshold": -1}, "threshold must be"),
        ({"dialect": "espnet"}, "dialect must be one of"),
    ],
)
def test_other_arguments_that_mean_nothing(more, message):
    with pytest.raises(CIFError, match=message):
        Transcription.from_alpha(ALPHA, **{"frame_shift": 0.04, **more})


def test_a_frame_shift_that_does_not_fit_the_sound_is_one_error():
    alpha = np.full(250, 0.25)
    for shift in (0.01, 0.04 / 1.2, 0.06, 40):
        with pytest.raises(CIFError, match="but the sound lasts 10 s: .* 0.04 s would fit"):
            Transcription.from_alpha(alpha, frame_shift=shift, waveform=sound(10))
    with pytest.raises(CIFError, match="10 frames of 40 s are 400 s"):  # milliseconds
        Transcription.from_alpha(alpha[:10], frame_shift=40, waveform=sound(0.4))
    for frames in (250, 250 - FEW_FRAMES, 250 + int(250 * MOST_OFF)):
        one = Transcription.from_alpha(np.full(frames, 0.25), frame_shift=0.04, waveform=sound(10))
        assert one.duration == 10
        assert one.alignment.tokens[-1].end <= 10


def test_one_more_or_fewer_fire_than_tokens_is_said_and_loses_no_name():
    more = Transcription.from_alpha(ALPHA, ["a"], frame_shift=0.04)
    assert (more.tokens, more.labels) == (("a",), ("a", "#2"))
    assert more.warning == "2 fires, but 1 token: names go by their order; fire 2 has no token"
    assert more.alignment.text == "a #2"
    fewer = Transcription.from_alpha(ALPHA, ["a", "b", "c"], frame_shift=0.04)
    assert fewer.labels == ("a", "b")
    assert "2 fires, but 3 tokens" in fewer.warning
    assert [token.is_timed for token in fewer.alignment] == [True, True, False]
    assert fewer.text == "a b c"
    for one in (more, fewer):
        drawn = panel(one)
        assert one.warning in drawn.fig.alt
        assert "#2" in drawn.fig.alt or "untimed" in drawn.fig.alt


@pytest.mark.parametrize("alpha", [[], [0.0, 0.0], [0.5]])
def test_no_frame_or_no_fire_is_an_empty_result(alpha):
    one = Transcription.from_alpha(alpha, [], frame_shift=0.04)
    assert len(one.alignment) == 0
    assert one.warning == ""
    assert panel(one).fig.alt.startswith("Continuous integrate-and-fire")
    assert Transcription.from_alpha(alpha, ["a"], frame_shift=0.04).alignment.tokens[0].token == "a"


def test_edges_and_a_clock_that_starts_late():
    one = Transcription.from_alpha(
        ALPHA, frame_shift=0.1, start=1.0, edges=Edges(0.5, 0.5, cut="fires")
    )
    assert one.alignment.spans == (
        (pytest.approx(1.1), pytest.approx(1.1)),
        (pytest.approx(1.2 + 0.1 * 0.5 / 0.75), pytest.approx(1.2 + 0.1 * 0.5 / 0.75)),
    )


def test_files_of_sound_and_reference(tmp_path):
    soundfile.write(tmp_path / "my.wav", sound(0.2).samples, 16000)
    truth = Alignment((TimedToken("你", 0.01, 0.07),))
    write_alignments(tmp_path / "my.TextGrid", {"words": truth}, 0.2)
    one = Transcription.from_alpha(
        ALPHA,
        ["你", "好"],
        frame_shift=0.04,
        waveform=tmp_path / "my.wav",
        reference=str(tmp_path / "my.TextGrid"),
    )
    assert one.reference.text == "你"
    assert {"waveform", "log_mel", "reference"} <= set(panel(one).axes)
    assert format_textgrid(one.tiers, one.duration)
    for suffix in ("TextGrid", "json"):
        path = write_alignments(tmp_path / f"out.{suffix}", one.tiers, one.duration)
        assert read_alignments(path)["tokens"].text == "你 好"
    assert "你" in transcription_table(tmp_path / "my.wav", "", one)


def test_a_batch_or_several_calls_must_be_chosen_from():
    two = integrate_and_fire(torch.full((2, 4), 0.5), torch.zeros(2, 4, 0))
    with pytest.raises(CIFError, match="batch of 2 utterances was captured: pass utterance=0 to 1"):
        Transcription.from_capture([two], frame_shift=0.1)
    with pytest.raises(CIFError, match="2 calls of the CIF were captured: pass one of them"):
        Transcription.from_capture([two, two], frame_shift=0.1)
    with pytest.raises(CIFError, match="nothing was captured"):
        Transcription.from_capture([], frame_shift=0.1)
    with pytest.raises(CIFError, match="expected the firing of one utterance, got a batch of 2"):
        Transcription.from_firing(two, frame_shift=0.1)
    assert len(Transcription.from_capture(two, frame_shift=0.1, utterance=-1).labels) == 2


def test_a_rule_must_be_one_and_an_empty_batch_has_no_utterance():
    firing = integrate_and_fire(torch.tensor([ALPHA]), torch.zeros(1, 5, 0))
    with pytest.raises(CIFError, match="rule must be a FiringRule"):
        Transcription.from_firing(firing, frame_shift=0.04, rule="drop")
    with pytest.raises(CIFError, match="a batch of no utterance was captured"):
        Transcription.from_capture(
            [integrate_and_fire(torch.zeros(0, 5), torch.zeros(0, 5, 0))], frame_shift=0.04
        )


def test_numbers_and_tokens_of_numpy_reach_the_page(tmp_path):
    tokens = np.array(["你", "好"])
    one = Transcription.from_alpha(np.float32(ALPHA), tokens, frame_shift=np.float32(0.04))
    assert [type(token) for token in one.tokens] == [str, str]
    page = cifviz.explorer.to_html(one, tmp_path / "page.html")
    assert "你" in page.read_text(encoding="utf-8")


# --- models of other code bases, in five lines ----------------------------------------------------


def funasr_like():
    model, mask = CifPredictor(16).eval(), torch.ones(1, 1, 150)
    return model, lambda: model(torch.randn(1, 150, 16), mask=mask)


def wenet_like():
    kind = type("Cif", (CifPredictor,), {})
    model, mask = kind(16, tail_threshold=0.45).eval(), torch.ones(1, 1, 150)
    return model, lambda: model(torch.randn(1, 150, 16), mask=mask)


def cif_pytorch_like():
    model = CifMiddleware(16).eval()
    padding = torch.zeros(1, 150, dtype=torch.bool)
    inputs = {"encoder_raw_out": torch.randn(1, 150, 16), "encoder_padding_mask": padding}
    return model, lambda: model(inputs)


@pytest.mark.parametrize("make", [funasr_like, wenet_like, cif_pytorch_like])
@torch.no_grad()
def test_five_lines_to_panel_and_explorer(make, tmp_path):
    torch.manual_seed(0)
    model, recognise = make()
    with capture(model) as firings:
        recognise()
    names = (HAN * 4)[: int(firings[0].num_fires)]
    result = Transcription.from_capture(firings, names, frame_shift=0.06, waveform=sound(9))
    drawn, explorer = panel(result), cifviz.explore(result)
    assert list(result.tokens) == names
    assert explorer.alignment.text == " ".join(names)
    assert f"{len(names)} tokens" in drawn.fig.alt
    assert result.given_rule is not None
    assert result.warning == ""
    assert explorer.to_html(tmp_path / "page.html").stat().st_size < 1e6


def test_five_minutes_of_mandarin():
    rng = np.random.default_rng(0)
    alpha = rng.gamma(0.7, 0.25, 7500).clip(0, 1).astype(np.float32)
    fires = int(alpha.astype(np.float64).sum())
    names = [HAN[index % len(HAN)] for index in range(fires)]
    one = Transcription.from_alpha(alpha, names, frame_shift=0.04, waveform=sound(300, 8000))
    assert len(one.alignment) == fires > 1000
    explorer = cifviz.explore(one)
    assert explorer.alignment.text == " ".join(names)
    axes = panel(one).axes
    assert sum(name.startswith("detail: ") for name in axes) == 4 and len(axes) == 10


@settings(max_examples=60, deadline=None)
@given(
    alpha=npst.arrays(np.float32, st.integers(0, 40), elements=st.floats(0, 2, width=32)),
    tokens=st.none() | st.lists(st.text(max_size=3), max_size=12),
    tail=st.sampled_from(["drop", "above 0.5", "appended 0.45", "rounded", "dynamic"]),
    dialect=st.sampled_from(["", "", "cif_pytorch", "torch_cif", "paraformer_v2"]),
)
def test_whatever_comes_tokens_and_fires_are_kept(alpha, tokens, tail, dialect):
    tail = "drop" if dialect else tail
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            one = Transcription.from_alpha(
                alpha, tokens, frame_shift=0.04, tail=tail, dialect=dialect
            )
        except CIFError as error:
            assert "the source fails" in str(error)
            return
        fires = int(one.firing.num_fires)
        assert len(one.labels) == fires
        timed = [token for token in one.alignment if token.is_timed]
        assert len(timed) == fires
        if tokens is not None:
            assert list(one.tokens) == tokens
            assert [token.token for token in one.alignment][: len(tokens)] == tokens
            assert bool(one.warning) == (fires != len(tokens))
        assert one.given_rule is not None
        assert one.given_rule.repeats(one.firing)
