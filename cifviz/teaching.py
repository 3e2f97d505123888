"""The name that `cifviz.course` had before; for one release notebooks find it here, too."""

from cifviz.course import *  # noqa: F403
from cifviz.course import __all__ as __all__
