"""The explorer's still sibling: a picture and a table, small, and right for whatever was heard."""

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
from cifviz.explorer.static_fallback import beginning, spans_table, still
from cifviz.explorer.truncate import first_frames, opening


@pytest.fixture(scope="module")
def clip():
    return cifviz.load_clip("digits_five")


@pytest.fixture(scope="module")
def heard(clip):
    return cifviz.load_model("digits").transcribe(clip.waveform)


@pytest.fixture(scope="module")
def hour(heard):
    """The clip again and again, for an hour."""
    alpha = heard.firing.alpha
    frames = round(3600 / heard.grid.shift)
    again = math.ceil(frames / alpha.shape[1])
    long = alpha.repeat(1, again)[:, :frames]
    firing = integrate_and_fire(long, torch.zeros(1, frames, 1), tail=above(0.5))
    tokens = tuple(str(index) for index in range(int(firing.num_fires)))
    samples, mel = heard.waveform.samples, heard.log_mel
    return replace(
        heard,
        tokens=tokens,
        scores=(1.0,) * len(tokens),
        alignment=Alignment.from_firing(firing, tokens, heard.grid, duration=3600.0),
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


def test_a_bundle_holds_picture_words_and_table(heard, clip):
    bundle = still(heard, reference=clip.words)
    soup = page(bundle)
    (image,) = soup.find_all("img")
    assert image["src"] == "data:image/png;base64," + bundle["image/png"]
    assert bundle["text/plain"] == "Figure: " + image["alt"]
    assert "5 tokens: “two” 0.24–0.43 s" in image["alt"] and image["alt"].endswith("reference.")
    assert picture(bundle).format == "PNG"
    assert [row[0] for row in cells(soup)] == list(heard.tokens)
    assert soup.caption.text == "5 tokens"


@pytest.mark.parametrize("name", cifviz.list_clips())
def test_a_clip_takes_little_room(name):
    clip = cifviz.load_clip(name)
    model = cifviz.load_model("grid" if name.startswith("grid") else "digits")
    assert size(still(model.transcribe(clip.waveform), reference=clip.words)) <= 120_000


def test_compared_alignments_get_lanes_until_it_is_crowded(heard):
    few = still(heard, compare={"CTC": heard.alignment})
    many = still(heard, compare=dict.fromkeys("abcdef", heard))
    assert few["text/plain"].endswith("tokens, “CTC”.")
    assert many["text/plain"].endswith("tokens, “a”, “b”.")
    assert picture(many).height - picture(few).height == pytest.approx(
        picture(few).height - picture(still(heard)).height, abs=1
    )
    with pytest.raises(CIFError, match="expected an Alignment or a Transcription as 'x', got int"):
        still(heard, compare={"x": 1})


def test_errors_are_found_less_said(heard):
    said = heard.alignment.shifted(-0.02)
    assert [row[3:] for row in cells(page(still(heard, reference=said)))] == [["+20", "+20"]] * 5


@pytest.mark.parametrize(
    "said",
    [
        Alignment((TimedToken("two", 0.2, 0.4),)),
        Alignment(tuple(TimedToken("uh") for _ in range(5))),
        Alignment(),
    ],
)
def test_a_reference_of_another_length_gives_no_errors(heard, said):
    soup = page(still(heard, reference=said))
    assert [head.text for head in soup.select("thead th")] == ["token", "start (s)", "end (s)"]
    assert {len(row) for row in cells(soup)} == {3}


def test_untimed_tokens_stay_in_the_table_and_are_not_paired():
    two = Alignment((TimedToken("one", 0.1, 0.25), TimedToken("uh")))
    said = Alignment((TimedToken("one", 0.1, 0.2),))
    soup = BeautifulSoup(spans_table(two, said), "html.parser")
    assert cells(soup) == [["one", "0.100", "0.250"], ["uh", "untimed", ""]]


def test_labels_are_text_whatever_they_say(heard):
    labels = ("<img src=x onerror=alert(1)>", "</td></table><script>", '"&amp;', "שלוש", "\u2028")
    timed = Alignment(
        tuple(
            TimedToken(name, *span)
            for name, span in zip(labels, heard.alignment.spans, strict=True)
        )
    )
    evil = replace(heard, tokens=labels, alignment=timed)
    soup = page(still(evil, reference=timed, compare={labels[0]: timed}))
    assert tuple(row[0] for row in cells(soup)) == labels
    assert len(soup.find_all("img")) == 1 and not soup.find_all("script")
    assert all(cell["dir"] == "auto" for cell in soup.select("tbody th"))
    assert soup.table["dir"] == "ltr"


def test_a_long_table_says_how_many_more_there_are():
    def table(tokens):
        many = Alignment(tuple(TimedToken("a", float(t), t + 0.5) for t in range(tokens)))
        return BeautifulSoup(spans_table(many), "html.parser")

    assert len(cells(table(100))) == 100 and not table(100).p
    assert len(cells(table(1234))) == 100
    assert table(1234).p.text == "and 1134 more"
    assert table(1234).caption.text == "1234 tokens"
    assert table(1).caption.text == "1 token"


def test_an_hour_shows_its_beginning_alone_and_says_so(hour, monkeypatch):
    drawn = []
    panel = cifviz.plot.panel

    def watched(part, **others):
        drawn.append(part.duration)
        return panel(part, **others)

    monkeypatch.setattr(cifviz.plot, "panel", watched)
    bundle = still(hour, reference=hour.alignment, compare={"a": hour, "b": hour})
    assert drawn == [pytest.approx(30, abs=0.1)]
    assert size(bundle) < 300_000
    soup = page(bundle)
    assert soup.img["alt"].startswith("The picture shows the first 30 of 3600 s. ")
    assert "on 30.00 s of sound" in soup.img["alt"]
    said = [paragraph.text for paragraph in soup.find_all("p")]
    more = len(hour.tokens) - 100
    assert said == ["The picture shows the first 30 of 3600 s.", f"and {more} more"]


def test_the_picture_of_a_part_says_so_in_itself(hour, monkeypatch):
    drawn = []
    from cifviz.plot import images

    monkeypatch.setattr(images, "png", lambda figure, **_: drawn.append(figure) or b"")
    still(hour)
    still(hour, compare=hour)
    for figure in drawn:
        assert figure.axes[-1].get_xlabel() == "time (s): the first 30 of 3600 s"
        assert figure.axes[-1].get_xlim() == pytest.approx((0.0, 30.0))


def test_what_is_not_longer_is_left_as_it_is(heard):
    assert opening(heard, heard.duration) is heard
    assert opening(heard, 30.0) is heard


def test_an_opening_is_what_had_fired_by_then(heard):
    part = opening(heard, 1.0)
    assert part.tokens == heard.tokens[:2]
    assert part.alignment.tokens == heard.alignment.tokens[:2]
    assert part.duration == 1.0 == part.waveform.duration
    assert part.firing.alpha.shape == (1, 25) and part.log_mel.shape == (100, 40)
    assert torch.equal(part.firing.contributions, heard.firing.contributions[:, :2, :25])
    assert torch.equal(part.firing.fire_positions, heard.firing.fire_positions[:, :2])


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0, 2.6]), min_size=1, max_size=30),
    st.integers(0, 30),
    st.sampled_from([0.0, 0.1]),
    st.sampled_from([drop, above(0.2), at_least(0.5), appended(0.45)]),
)
def test_a_firing_is_cut_and_nothing_in_it_moves(alpha, frames, slack, tail):
    frames = min(frames, len(alpha))
    whole = integrate_and_fire(
        torch.tensor([alpha]), torch.eye(len(alpha))[None], slack=slack, tail=tail
    )
    cut = first_frames(whole, frames)
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


def test_a_beginning_holds_what_begins_in_it():
    three = Alignment((TimedToken("one", 0.1, 0.4), TimedToken("uh"), TimedToken("two", 0.4, 0.8)))
    assert beginning(three, 0.3).text == "one"
    assert beginning(three, 0.5).text == "one two"


@pytest.mark.parametrize("samples", [0, 1, 400, 16_000])
def test_next_to_nothing_has_a_still(samples):
    nothing = Waveform(np.zeros(samples, dtype=np.float32))
    heard = cifviz.load_model("digits").transcribe(nothing)
    bundle = still(heard, reference=Alignment(), compare={"": Alignment()})
    assert picture(bundle).width == 800
    assert "no token." in bundle["text/plain"]
    assert cells(page(bundle)) == [] and page(bundle).caption.text == "0 tokens"


def test_what_was_heard_from_features_alone_has_a_still(heard, hour):
    assert "waveform" not in still(replace(heard, waveform=None))["text/plain"]
    assert "the first 30 of" in still(replace(hour, waveform=None))["text/plain"]


def test_the_same_transcription_gives_the_same_bundle(heard):
    assert still(heard) == still(heard)


def test_what_is_no_transcription_is_refused(heard):
    with pytest.raises(CIFError, match="transcription must be a Transcription, got 3"):
        still(3)
    with pytest.raises(CIFError, match="reference must be an Alignment, got "):
        still(heard, reference=[("two", 0.1, 0.2)])


def test_importing_it_loads_no_matplotlib():
    script = f"import sys, {module.__name__}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_still_names_the_model_and_flags_a_sound_out_of_domain(heard):
    plain = page(still(heard))
    assert plain.div.div.text == heard.summary
    assert plain.strong is None
    flagged = replace(heard, model="<i>", domain_distance=99.0)
    bundle = still(flagged)
    soup = page(bundle)
    assert soup.div.div.text == flagged.summary
    assert soup.i is None
    assert soup.strong.text == f"⚠ warning: {flagged.warning}"
    assert bundle["text/plain"].startswith(f"Figure: Warning: {flagged.warning}. Continuous")
    assert picture(bundle).height > picture(still(heard)).height
