"""cifviz: understand, see and hear Continuous Integrate-and-Fire (CIF).

>>> import cifviz
>>> clip = cifviz.load_clip("digits_three")  # doctest: +SKIP
>>> cifviz.load_model("digits").transcribe(clip.waveform).text  # doctest: +SKIP
"""

from cifviz.core.capture import capture
from cifviz.core.firing import Firing, integrate_and_fire
from cifviz.core.losses import quantity_loss
from cifviz.core.module import CIF, CIFConfig
from cifviz.core.scaling import scale_to_length
from cifviz.core.streaming import CIFState
from cifviz.errors import AudioError, CheckpointError, CIFError, DataError
from cifviz.explorer import explore
from cifviz.models.checkpoints import list_models, load_model
from cifviz.models.recognizer import Transcription
from cifviz.speech.alignment import Alignment, Edges, TimedToken
from cifviz.speech.audio import LogMel, Waveform, load_waveform
from cifviz.speech.clips import list_clips, load_clip
from cifviz.speech.recordings import RecordedUtterance, list_recordings, load_recording
from cifviz.timing import FrameGrid

__version__ = "0.1.0"

__all__ = [
    "CIF",
    "Alignment",
    "AudioError",
    "CIFConfig",
    "CIFError",
    "CIFState",
    "CheckpointError",
    "DataError",
    "Edges",
    "Firing",
    "FrameGrid",
    "LogMel",
    "RecordedUtterance",
    "TimedToken",
    "Transcription",
    "Waveform",
    "capture",
    "explore",
    "integrate_and_fire",
    "list_clips",
    "list_models",
    "list_recordings",
    "load_clip",
    "load_model",
    "load_recording",
    "load_waveform",
    "quantity_loss",
    "scale_to_length",
]
