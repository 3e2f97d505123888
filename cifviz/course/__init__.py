"""What lessons are made of: figures, tables, controls, sounds, exercises, records."""

from cifviz.course.exercises import check
from cifviz.course.figures import canvas, count_frames, name_words, show
from cifviz.course.glossary import glossary
from cifviz.course.live_figures import Slider, Steps, Text, live_explorer, live_figure
from cifviz.course.sound import play, play_all, play_tokens
from cifviz.course.tables import table
from cifviz.notebooks.records import record

__all__ = [
    "Slider",
    "Steps",
    "Text",
    "canvas",
    "check",
    "count_frames",
    "glossary",
    "live_explorer",
    "live_figure",
    "name_words",
    "play",
    "play_all",
    "play_tokens",
    "record",
    "show",
    "table",
]
