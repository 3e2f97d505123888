"""A result shows itself in a notebook although only `import cifviz` ran."""

import subprocess
import sys

import pytest

from cifviz import display
from cifviz.errors import CIFError

SHOWN = """
import sys
import cifviz
clip = cifviz.load_clip("digits_two")
transcription = cifviz.load_model("digits").transcribe(clip.waveform)
report = cifviz.metrics.evaluate([clip.words], [transcription.alignment])
assert "matplotlib" not in sys.modules, "matplotlib is loaded before a picture is asked for"
for result in (transcription, report):
    png, metadata = result._repr_png_()
    assert png.startswith(b"\\x89PNG") and metadata["alt"]
"""


def test_results_draw_themselves_and_load_matplotlib_only_then():
    run = subprocess.run([sys.executable, "-c", SHOWN], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_a_derived_class_is_drawn_like_its_base(monkeypatch):
    monkeypatch.setattr(display, "_drawings", {})

    class Base:
        pass

    class Derived(Base):
        pass

    display.register(Base, lambda result: (b"", {"alt": type(result).__name__}))
    assert display.png(Derived()) == (b"", {"alt": "Derived"})


def test_what_nothing_draws_is_refused():
    with pytest.raises(CIFError, match=r"can be drawn \(.*Transcription.*\), got int"):
        display.png(1)
