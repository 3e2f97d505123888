"""The static fallback of the explorer: a picture and a table, small, for any transcription."""

import base64
import io
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import cifviz
from cifviz import Alignment, TimedToken, Waveform, integrate_and_fire
from cifviz.core.tail import above, appended, at_least, drop
from cifviz.errors import CIFError
from cifviz.explorer import static_fallback as module
from cifviz.explorer.static_fallback import spans_table, static_fallback
from cifviz.explorer.truncate import truncate, truncate_alignment, truncate_firing


@pytest.fixture(scope="module")
def clip():
    return cifviz.load_clip("digits_five")


@pytest.fixture(scope="module")
def transcription(clip):
    return cifviz.load_model("digits").transcribe(clip.waveform)


@pytest.fixture(scope="module")
def hour(transcription):
    """The clip again and again, for an hour."""
    alpha = transcription.firing.alpha
    frames = round(3600 / transcription.grid.shift)
    again = math.ceil(frames / alpha.shape[1])
    long = alpha.repeat(1, again)[:, :frames]
    firing = integrate_and_fire(long, torch.zeros(1, frames, 1), tail=above(0.5))
    tokens = tuple(str(index) for index in range(int(firing.num_fires)))
    samples, mel = transcription.waveform.samples, transcription.log_mel
    return replace(
        transcription,
        tokens=tokens,
        scores=(1.0,) * len(tokens),
        alignment=Alignment.from_firing(firing, tokens, transcription.grid, duration=3600.0),
        firing=firing,
        duration=3600.0,
        log_mel=mel.repeat(4 * again, 1)[: 4 * frames],
        waveform=Waveform(np.tile(samples, again + 1)[: 3600 * 16_000]),
    )


def size(bundle):
    return sum(map(len, bundle.values()))


def picture(bundle):
    return Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))


def page(bundle):
    return BeautifulSoup(bundle["text/html"], "html.parser")


def cells(soup):
    return [[cell.text for cell in row.find_all(["th", "td"])] for row in soup.select("tbody tr")]


def test_a_bundle_has_a_picture_its_text_and_a_table(transcription, clip):
    bundle = static_fallback(transcription, reference=clip.words)
    soup = page(bundle)
    (image,) = soup.find_all("img")
    assert image["src"] == "data:image/png;base64," + bundle["image/png"]
    assert bundle["text/plain"] == "Figure: " + image["alt"]
    assert "5 tokens: “two” 0.24–0.43 s" in image["alt"] and image["alt"].endswith("reference.")
    assert picture(bundle).format == "PNG"
    assert [row[0] for row in cells(soup)] == list(transcription.tokens)
    assert soup.caption.text == "5 tokens"


LARGEST = ("natural_lake", "mandarin_school", "grid_place")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in LARGEST else pytest.mark.long)
        for name in cifviz.list_clips()
    ],
)
def test_the_fallback_of_a_clip_is_small(name):
    clip = cifviz.load_clip(name)
    model = cifviz.load_model("grid" if name.startswith("grid") else "digits")
    assert size(static_fallback(model.transcribe(clip.waveform), reference=clip.words)) <= 120_000


def test_the_first_compared_alignments_get_lanes(transcription):
    few = static_fallback(transcription, compare={"CTC": transcription.alignment})
    many = static_fallback(transcription, compare=dict.fromkeys("abcd", transcription))
    assert few["text/plain"].endswith("tokens, “CTC”.")
    assert many["text/plain"].endswith("tokens, “a”, “b”.")
    assert picture(many).height - picture(few).height == pytest.approx(
        picture(few).height - picture(static_fallback(transcription)).height, abs=1
    )
    with pytest.raises(CIFError, match="expected an Alignment or a Transcription as 'x', got int"):
        static_fallback(transcription, compare={"x": 1})


def test_errors_are_hypothesis_less_reference(transcription):
    reference = transcription.alignment.shifted(-0.02)
    assert [
        row[3:] for row in cells(page(static_fallback(transcription, reference=reference)))
    ] == [["+20", "+20"]] * 5


@pytest.mark.parametrize(
    "reference",
    [
        Alignment((TimedToken("two", 0.2, 0.4),)),
        Alignment(tuple(TimedToken("uh") for _ in range(5))),
        Alignment(),
    ],
)
def test_a_reference_of_another_length_gives_no_errors(transcription, reference):
    soup = page(static_fallback(transcription, reference=reference))
    assert [head.text for head in soup.select("thead th")] == ["token", "start (s)", "end (s)"]
    assert {len(row) for row in cells(soup)} == {3}


def test_untimed_tokens_stay_in_the_table_and_are_not_paired():
    two = Alignment((TimedToken("one", 0.1, 0.25), TimedToken("uh")))
    reference = Alignment((TimedToken("one", 0.1, 0.2),))
    soup = BeautifulSoup(spans_table(two, reference), "html.parser")
    assert cells(soup) == [["one", "0.100", "0.250"], ["uh", "untimed", ""]]


def test_labels_are_escaped(transcription):
    labels = ("<img src=x onerror=alert(1)>", "</td></table><script>", '"&amp;', "שלוש", "\u2028")
    timed = Alignment(
        tuple(
            TimedToken(name, *span)
            for name, span in zip(labels, transcription.alignment.spans, strict=True)
        )
    )
    evil = replace(transcription, tokens=labels, alignment=timed)
    soup = page(static_fallback(evil, reference=timed, compare={labels[0]: timed}))
    assert tuple(row[0] for row in cells(soup)) == labels
    assert len(soup.find_all("img")) == 1 and not soup.find_all("script")
    assert all(cell["dir"] == "auto" for cell in soup.select("tbody th"))
    assert soup.table["dir"] == "ltr"


def test_a_long_table_states_how_many_rows_are_left_out():
    def table(tokens):
        many = Alignment(tuple(TimedToken("a", float(t), t + 0.5) for t in range(tokens)))
        return BeautifulSoup(spans_table(many), "html.parser")

    assert len(cells(table(100))) == 100 and not table(100).p
    assert len(cells(table(1234))) == 100
    assert table(1234).p.text == "and 1134 more"
    assert table(1234).caption.text == "1234 tokens"
    assert table(1).caption.text == "1 token"


def test_an_hour_is_truncated_and_the_page_states_it(hour, monkeypatch):
    drawn = []
    panel = cifviz.plot.panel

    def watched(part, **others):
        drawn.append(part.duration)
        return panel(part, **others)

    monkeypatch.setattr(cifviz.plot, "panel", watched)
    bundle = static_fallback(hour, reference=hour.alignment, compare={"a": hour, "b": hour})
    assert drawn == [pytest.approx(30, abs=0.1)]
    assert size(bundle) < 300_000
    soup = page(bundle)
    assert soup.img["alt"].startswith("The picture shows the first 30 of 3600 s. ")
    assert "on 30.00 s of sound" in soup.img["alt"]
    paragraphs = [paragraph.text for paragraph in soup.find_all("p")]
    more = len(hour.tokens) - 100
    assert paragraphs == ["The picture shows the first 30 of 3600 s.", f"and {more} more"]


def test_the_picture_of_a_part_states_it_in_itself(hour, monkeypatch):
    drawn = []
    from cifviz.plot import images

    monkeypatch.setattr(images, "png", lambda figure, **_: drawn.append(figure) or b"")
    static_fallback(hour)
    static_fallback(hour, compare=hour)
    for figure in drawn:
        assert figure.axes[-1].get_xlabel() == "time (s): the first 30 of 3600 s"
        assert figure.axes[-1].get_xlim() == pytest.approx((0.0, 30.0))


def test_a_shorter_transcription_is_not_truncated(transcription):
    assert truncate(transcription, transcription.duration) is transcription
    assert truncate(transcription, 30.0) is transcription


def test_truncation_keeps_the_tokens_that_have_fired(transcription):
    part = truncate(transcription, 1.0)
    assert part.tokens == transcription.tokens[:2]
    assert part.alignment.tokens == transcription.alignment.tokens[:2]
    assert part.duration == 1.0 == part.waveform.duration
    assert part.firing.alpha.shape == (1, 25) and part.log_mel.shape == (100, 40)
    assert torch.equal(part.firing.contributions, transcription.firing.contributions[:, :2, :25])
    assert torch.equal(part.firing.fire_positions, transcription.firing.fire_positions[:, :2])


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0, 2.6]), min_size=1, max_size=30),
    st.integers(0, 30),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([drop, above(0.2), at_least(0.5), appended(0.45)]),
)
def test_truncation_of_a_firing_changes_no_value(alpha, frames, slack, tail):
    frames = min(frames, len(alpha))
    whole = integrate_and_fire(
        torch.tensor([alpha]), torch.eye(len(alpha))[None], slack=slack, tail=tail
    )
    cut = truncate_firing(whole, frames)
    fires = int(cut.num_fires)
    assert fires == sum(position <= frames for position in whole.fire_positions[0].tolist())
    assert cut.alpha.shape == (1, frames) == cut.accumulated.shape
    assert cut.frame_lengths.tolist() == [frames]
    assert torch.equal(cut.contributions, whole.contributions[:, :fires, :frames])
    assert torch.equal(cut.embeddings, whole.embeddings[:, :fires])
    assert torch.equal(cut.accumulated, whole.accumulated[:, :frames])
    assert bool(cut.tail_fired) == (bool(whole.tail_fired) and fires == int(whole.num_fires))
    if frames == len(alpha):
        assert cut.residual.tolist() == pytest.approx(whole.residual.tolist())
    alone = integrate_and_fire(torch.tensor([alpha[:frames]]), torch.eye(frames)[None], slack=slack)
    if not cut.tail_fired:
        assert cut.num_fires.tolist() == alone.num_fires.tolist()
        assert cut.residual.tolist() == pytest.approx(alone.residual.tolist())


def test_a_truncated_alignment_keeps_the_tokens_that_begin_in_it():
    three = Alignment((TimedToken("one", 0.1, 0.4), TimedToken("uh"), TimedToken("two", 0.4, 0.8)))
    assert truncate_alignment(three, 0.3).text == "one"
    assert truncate_alignment(three, 0.5).text == "one two"


@pytest.mark.parametrize("samples", [0, 1, 400, 16_000])
def test_a_very_short_sound_has_a_fallback(samples):
    nothing = Waveform(np.zeros(samples, dtype=np.float32))
    transcription = cifviz.load_model("digits").transcribe(nothing)
    bundle = static_fallback(transcription, reference=Alignment(), compare={"": Alignment()})
    assert picture(bundle).width == 800
    assert "no token." in bundle["text/plain"]
    assert cells(page(bundle)) == [] and page(bundle).caption.text == "0 tokens"


def test_a_transcription_of_features_has_a_fallback(transcription, hour):
    assert "waveform" not in static_fallback(replace(transcription, waveform=None))["text/plain"]
    assert "the first 30 of" in static_fallback(replace(hour, waveform=None))["text/plain"]


def test_the_same_transcription_gives_the_same_bundle(transcription):
    assert static_fallback(transcription) == static_fallback(transcription)


def test_arguments_of_other_types_are_refused(transcription):
    with pytest.raises(CIFError, match="transcription must be a Transcription, got 3"):
        static_fallback(3)
    with pytest.raises(CIFError, match="reference must be an Alignment, got "):
        static_fallback(transcription, reference=[("two", 0.1, 0.2)])


def test_importing_it_loads_no_matplotlib():
    script = f"import sys, {module.__name__}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_the_fallback_names_the_model_and_flags_a_sound_out_of_domain(transcription):
    plain = page(static_fallback(transcription))
    assert plain.div.div.text == transcription.summary
    assert plain.strong is None
    flagged = replace(transcription, model="<i>", domain_distance=99.0)
    bundle = static_fallback(flagged)
    soup = page(bundle)
    assert soup.div.div.text == flagged.summary
    assert soup.i is None
    assert soup.strong.text == f"⚠ warning: {flagged.warning}"
    assert bundle["text/plain"].startswith(f"Figure: Warning: {flagged.warning}. Continuous")
    assert picture(bundle).height > picture(static_fallback(transcription)).height
