"""cifviz: understand, see and hear Continuous Integrate-and-Fire (CIF).

The public names are those of ``__init__.pyi``, which is also what a type checker reads. Each is
imported when it is first used: PyTorch takes seconds, which nobody waits for who does not use it.

>>> import cifviz
>>> clip = cifviz.load_clip("digits_three")  # doctest: +SKIP
>>> cifviz.load_model("digits").transcribe(clip.waveform).text  # doctest: +SKIP
"""

import lazy_loader

from cifviz import display

__version__ = "0.1.0"

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)

_PACKAGES = {
    "alignment",
    "audio",
    "core",
    "corpora",
    "diagnosis",
    "errors",
    "explorer",
    "formats",
    "metrics",
    "resources",
    "systems",
    "timing",
}
"""Found as ``cifviz.core`` without another import, but none of ``from cifviz import *``."""

display.provided_by("cifviz.plot")

__all__ = [name for name in _names if name not in _PACKAGES]
