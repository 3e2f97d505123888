from . import core as core
from . import errors as errors
from . import explorer as explorer
from . import models as models
from . import resources as resources
from . import speech as speech
from . import timing as timing
from .core.capture import capture
from .core.firing import Firing, integrate_and_fire
from .core.losses import quantity_loss
from .core.module import CIF, CIFConfig
from .core.scaling import scale_to_length
from .core.streaming import CIFState
from .errors import AudioError, CheckpointError, CIFError, DataError
from .explorer import explore
from .models.checkpoints import list_models, load_model
from .models.recognizer import Transcription
from .speech.alignment import Alignment, Edges, TimedToken
from .speech.audio import LogMel, Waveform, load_waveform
from .speech.clips import list_clips, load_clip
from .speech.recordings import RecordedUtterance, list_recordings, load_recording
from .timing import FrameGrid

__version__: str

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
