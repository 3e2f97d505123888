"""eSpeak NG as a library, through its C API: loaded anew each time, with a voice chosen.

eSpeak NG is an optional dependency (the package espeakng-loader). Its library keeps state that is
never reset, such as the phase of a voice's flutter, so what it gives depends on what it gave
before. Here the library is loaded anew for each use and its noise is seeded. That takes a few
milliseconds and makes the result a function of the arguments alone. The state is global to the
process: uses take turns on a lock, and nothing else in the process should be using the same
library at that moment.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cifviz.errors import CIFError, require

CHARS_UTF8 = 1
_OUTPUT_SYNCHRONOUS = 2
_PHONEME_EVENTS_IN_IPA = 0x1 | 0x2
_DONT_EXIT = 0x8000

_LOCK = threading.Lock()


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


@contextmanager
def espeak(voice: str, needed_by: str, extra: str) -> Iterator[tuple[ctypes.CDLL, int]]:
    """The library in its initial state with a voice chosen, and its sample rate in Hz.

    Parameters
    ----------
    voice : str
        A language of eSpeak NG, with a variant if desired: "en-us", "en-gb+m7".
    needed_by : str
        Who asks, for the message where the package is missing.
    extra : str
        The extra of cifviz that brings it.

    Raises
    ------
    CIFError
        If eSpeak NG is not installed or does not know the voice.
    """
    try:
        import espeakng_loader
    except ModuleNotFoundError as error:
        raise CIFError(
            f"{needed_by} needs the package espeakng-loader: pip install cifviz[{extra}]"
        ) from error
    data_path = espeakng_loader.get_data_path()
    with _LOCK:
        library = _loaded(espeakng_loader.get_library_path())
        try:
            native_rate = library.espeak_Initialize(
                _OUTPUT_SYNCHRONOUS, 0, data_path.encode(), _PHONEME_EVENTS_IN_IPA | _DONT_EXIT
            )
            require(native_rate > 0, f"eSpeak NG found no data in {data_path}")
            # Breathy voices contain noise, which would be seeded by the clock.
            check(library.espeak_ng_SetRandSeed(1), "espeak_ng_SetRandSeed")
            try:
                _set_voice(library, voice, Path(data_path))
                yield library, native_rate
            finally:
                library.espeak_Terminate()
        finally:
            _unload(library)


def _loaded(path: str) -> ctypes.CDLL:
    """The library with the types of what is called with more than integers."""
    try:
        library = ctypes.CDLL(path)
    except OSError as error:
        raise CIFError(f"cannot load the eSpeak NG library: {error}") from error
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.POINTER(ctypes.c_uint),
        ctypes.c_void_p,
    ]
    library.espeak_TextToPhonemes.argtypes = [
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int,
        ctypes.c_int,
    ]
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    library.espeak_ListVoices.argtypes = [ctypes.c_void_p]
    library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    return library


def _unload(library: ctypes.CDLL) -> None:
    """Drop the library from memory, which ctypes never does by itself."""
    import _ctypes

    close = getattr(_ctypes, "FreeLibrary" if sys.platform == "win32" else "dlclose")
    close(library._handle)


def _set_voice(library: ctypes.CDLL, voice: str, data_path: Path) -> None:
    """Choose a voice; one that does not exist is refused (eSpeak NG would keep the last one)."""
    language, plus, variant = voice.partition("+")
    identifiers = _identifiers(library)
    require(
        language.lower() in identifiers,
        f"eSpeak NG has no voice {language!r}; it has {', '.join(sorted(identifiers))}",
    )
    if plus:
        variants = sorted(path.name for path in (data_path / "voices" / "!v").iterdir())
        require(
            variant in variants,
            f"eSpeak NG has no variant {variant!r} of a voice; it has {', '.join(variants)}",
        )
    name = identifiers[language.lower()] + plus + variant
    check(library.espeak_SetVoiceByName(name.encode()), f"espeak_SetVoiceByName({name!r})")


def _identifiers(library: ctypes.CDLL) -> dict[str, str]:
    """The voice that serves each language best, by the language's name in lower case."""
    best: dict[str, tuple[int, str]] = {}
    voices = library.espeak_ListVoices(None)
    index = 0
    while voices[index]:
        voice = voices[index].contents
        # A list of (priority byte, name, NUL), ended by a priority of 0; lower is better.
        address = voice.languages
        while priority := ctypes.string_at(address, 1)[0]:
            name = ctypes.string_at(address + 1)
            entry = (priority, voice.identifier.decode())
            language = name.decode().lower()
            best[language] = min(entry, best.get(language, entry))
            address += len(name) + 2
        index += 1
    return {language: identifier for language, (_, identifier) in best.items()}


def check(status: int, call: str) -> None:
    """Raise unless a call into the library succeeded."""
    require(status == 0, f"eSpeak NG answered {call} with error {status}")
