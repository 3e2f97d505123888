from . import alignment as alignment
from . import audio as audio
from . import core as core
from . import corpora as corpora
from . import diagnosis as diagnosis
from . import errors as errors
from . import explorer as explorer
from . import formats as formats
from . import metrics as metrics
from . import resources as resources
from . import systems as systems
from . import timing as timing
from .alignment.timed_tokens import Alignment, Edges, TimedToken
from .audio.waveform import LogMel, Waveform, load_waveform
from .core.firing import Firing, integrate_and_fire
from .core.interop import capture, load_cif_pytorch, load_funasr
from .core.losses import quantity_loss
from .core.module import CIF, CIFConfig
from .core.onnx_export import Integrator, export_onnx
from .core.scaling import scale_to_length
from .core.streaming import CIFState
from .corpora.clips import list_clips, load_clip
from .corpora.feature_excerpts import RecordedUtterance, list_recordings, load_recording
from .corpus_alignment.align_whole_corpus import align_corpus
from .corpus_alignment.corpus_comparison import compare_corpora
from .diagnosis import diagnose, load_firings, save_firings
from .errors import AudioError, CheckpointError, CIFError, DataError
from .explorer import explore
from .systems.checkpoints import list_models, load_model
from .systems.transcription import Transcription
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
    "Integrator",
    "LogMel",
    "RecordedUtterance",
    "TimedToken",
    "Transcription",
    "Waveform",
    "align_corpus",
    "capture",
    "compare_corpora",
    "diagnose",
    "explore",
    "export_onnx",
    "integrate_and_fire",
    "list_clips",
    "list_models",
    "list_recordings",
    "load_cif_pytorch",
    "load_clip",
    "load_firings",
    "load_funasr",
    "load_model",
    "load_recording",
    "load_waveform",
    "quantity_loss",
    "save_firings",
    "scale_to_length",
]
