"""What the notebooks are made of: pictures with words, controls, sounds, exercises, records."""

from cifviz.teaching.controls import Slider, explore
from cifviz.teaching.exercises import check
from cifviz.teaching.figures import canvas, count_frames, show, table
from cifviz.teaching.glossary import glossary
from cifviz.teaching.records import record
from cifviz.teaching.sound import play, play_all, play_tokens

__all__ = [
    "Slider",
    "canvas",
    "check",
    "count_frames",
    "explore",
    "glossary",
    "play",
    "play_all",
    "play_tokens",
    "record",
    "show",
    "table",
]
