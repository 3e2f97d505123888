"""The words of a text and the phones of each: any English word, numerals and abbreviations, too.

eSpeak NG reads them (``pip install cifviz[english]``). It is given each word alone, as a dictionary
has it: so the phones of a word never depend on its neighbours, it is known which phones are whose,
and a long text is read at once. In a sentence eSpeak NG would join words ("have been") and read
others otherwise. Of 1,934 words in 434 English prompts and sentences those were 198, most of them
"to", "a" and "an", which are read here as in a sentence; 75 remain.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cifviz.corpora.espeak_library import CHARS_UTF8, espeak
from cifviz.corpora.phone_inventory import reduced_phones
from cifviz.errors import DataError, require, require_type, shown

VOICE = "en-us"
"""The voice whose pronunciations are the default."""
LONGEST_WORD = 60
"""Characters; what is longer is no word of speech, and eSpeak NG cuts it off."""
MOST_NAMED = 5
"""Words that a message names."""

_IPA, _SEPARATED = 2, ord("_") << 8
_OWN = {
    **{"a": ("ə",), "an": ("ə", "n"), "to": ("t", "ə")},
    **dict.fromkeys(("hm", "hmm", "hmmm"), ("h", "m")),
    **dict.fromkeys(("mm", "mmm"), ("m",)),
    **dict.fromkeys(("mhm", "mm-hm", "mm-hmm", "mmhm", "mmhmm"), ("m", "h", "m")),
    **dict.fromkeys(("sh", "shh", "shhh"), ("ʃ",)),
}
"""Words that are nearly always weak, which eSpeak NG reads in full when they stand alone, and
sounds without a vowel, of which it spells the letters."""

_WORD = re.compile(
    r"[$£€¥#@]*(?:[-−+](?=[.\d]))?(?:\.(?=\d))?[^\W_](?:.*[^\W_])?[\u0300-\u036f]*[%°€£$+#]*|[&@%+=]",
    re.DOTALL,
)
"""What of a stretch without spaces is its word: not quotation marks, brackets, commas, dashes."""

_MONEY = {"$": "dollar", "£": "pound", "€": "euro", "¥": "yen"}
_UNITS = {
    **{"kg": "kilograms", "km": "kilometers", "cm": "centimeters", "mm": "millimeters"},
    **{"mph": "miles per hour", "lbs": "pounds", "hz": "hertz", "khz": "kilohertz"},
}
_LARGE = {"k": "thousand", "m": "million", "mn": "million", "bn": "billion", "b": "billion"}
"""Behind a sum of money; in full they are words of their own."""
_SUM = re.compile(r"([$£€¥])(\d[\d.,]*)")
_LARGE_WORDS = ("hundred", "thousand", "million", "billion", "trillion")
_ABBREVIATIONS = {
    **{"ms.": "miz", "prof.": "professor", "jr.": "junior", "sr.": "senior", "vs.": "versus"},
    **{"jan.": "january", "feb.": "february", "aug.": "august", "sept.": "september"},
    **{"oct.": "october", "nov.": "november", "dec.": "december"},
    **{"km/h": "kilometers per hour", "w/o": "without"},
    **{"ave.": "avenue", "rd.": "road", "approx.": "approximately", "&": "and", "vs": "versus"},
}
"""Abbreviations that eSpeak NG spells or reads as they stand."""


@dataclass(frozen=True)
class SpokenWord:
    """A word as it was written, its place in the text, and how it is pronounced."""

    text: str
    """``text[start:end]`` of the whole, without the punctuation around it."""
    start: int
    """Place of its first character, from 0."""
    end: int
    """Place behind its last character."""
    phones: tuple[str, ...]
    """Of `cifviz.corpora.phone_inventory.PHONES`, at least one."""

    def __post_init__(self) -> None:
        require_type("SpokenWord.text", self.text, str)
        is_list = isinstance(self.phones, Sequence) and not isinstance(self.phones, str | bytes)
        require(
            is_list and len(self.phones) > 0 and all(isinstance(one, str) for one in self.phones),
            f"SpokenWord.phones must be texts, at least one, got {shown(self.phones)}",
        )
        object.__setattr__(self, "phones", tuple(self.phones))


def pronounce(text: str, *, voice: str = VOICE) -> tuple[SpokenWord, ...]:
    """The words of a text, each with its phones.

    Words are separated by white space and by dashes longer than a hyphen. Punctuation alone and
    emoji are no words: nobody speaks them.

    Parameters
    ----------
    text : str
        As people write: with capitals, punctuation, numerals, "Dr." and "$5.50".
    voice : str
        A voice of eSpeak NG. Other languages' phones become the nearest English ones.

    Returns
    -------
    tuple of SpokenWord
        In order; empty for a text without words.

    Raises
    ------
    DataError
        If the voice is English and a word has letters that are not Latin; if a word is longer than
        60 characters, or eSpeak NG has no phone for it.
    CIFError
        If eSpeak NG is not installed or has no such voice.

    Notes
    -----
    A numeral is one word with the phones of all that is spoken for it. Of 91 numerals and
    abbreviations tried, eSpeak NG alone reads 58 as people do, and 88 with `respelled`, a short
    table of years, decades, sums of money, units, times of the day, titles and months. Ambiguous
    ones are not guessed: "No." is read as "no", "St." as "saint".

    Examples
    --------
    >>> for word in pronounce("In 1984, a lake."):  # doctest: +SKIP
    ...     print(word.text, word.start, *word.phones)
    In 0 ɪ n
    1984 3 n aɪ n t iː n eɪ ɾ iː f ɔː ɹ
    a 9 ə
    lake 11 l eɪ k
    """
    require_type("text", text, str)
    places = list(_words(text))
    if voice.startswith("en"):
        _require_latin([text[start:end] for start, end, _ in places])
        places = _sums_in_words(places)
    spellings = dict.fromkeys(spelling for _, _, spelling in places)
    phones = _phones(list(spellings), voice) if spellings else {}
    silent = [spelling for spelling, found in phones.items() if not found]
    require(not silent, f"eSpeak NG has no phones for {_named(silent)}", DataError)
    return tuple(
        SpokenWord(text[start:end], start, end, phones[spelling]) for start, end, spelling in places
    )


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    """Places of the words, and each as it is given to eSpeak NG."""
    for stretch in re.finditer(r"[^\s—―–…]+", text):
        found = _WORD.search(stretch[0])
        if found is None:
            continue
        start = stretch.start() + found.start()
        end = stretch.start() + found.end()
        require(
            end - start <= LONGEST_WORD,
            f"expected words of at most {LONGEST_WORD} characters, got {shown(text[start:end])}, "
            f"of {end - start}, at character {start}",
            DataError,
        )
        # A full stop belongs to an abbreviation, and does no harm to another word.
        dot = "." if text[end : end + 1] == "." else ""
        yield start, end, _plain(found[0]) + dot


def _sums_in_words(places: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The same, but the currency of a sum such as "$5 million" is read behind its last word.

    >>> _sums_in_words([(0, 2, "$5"), (3, 10, "million")])
    [(0, 2, '5'), (3, 10, 'million dollars')]
    """
    made = list(places)
    for number, (one, other) in enumerate(itertools.pairwise(places)):
        found = _SUM.fullmatch(one[2])
        large = other[2].rstrip(".").lower()
        if found and large in _LARGE_WORDS:
            made[number] = (*one[:2], found[2])
            plural = "" if found[1] == "¥" else "s"
            made[number + 1] = (*other[:2], f"{large} {_MONEY[found[1]]}{plural}")
    return made


def _plain(word: str) -> str:
    """A word in the characters that eSpeak NG knows: compatible ones, none that are invisible."""
    word = unicodedata.normalize("NFKC", word).replace("’", "'").replace("−", "-")
    return "".join(one for one in word if unicodedata.category(one)[0] != "C")


def _require_latin(words: list[str]) -> None:
    """Raise unless all letters are Latin: eSpeak NG would name others one by one."""
    other = [word for word in words if not all(map(_is_latin, word))]
    require(
        not other,
        f"English is written in Latin letters and digits, got {_named(other)}: "
        "write such words as they sound, or leave them out",
        DataError,
    )


def _is_latin(character: str) -> bool:
    """True for Latin letters, ASCII digits, and whatever is neither a letter nor a digit."""
    if character.isdecimal():
        return character.isascii() or unicodedata.normalize("NFKC", character).isascii()
    if not character.isalpha():
        return True
    plain = unicodedata.normalize("NFKC", character)
    return all(unicodedata.name(one, "").startswith(("LATIN", "COMBINING")) for one in plain)


def _named(words: list[str]) -> str:
    """Words for a message, the first of many."""
    distinct = list(dict.fromkeys(words))
    more = f" and {len(distinct) - MOST_NAMED} more" if len(distinct) > MOST_NAMED else ""
    return ", ".join(map(shown, distinct[:MOST_NAMED])) + more


def _phones(spellings: list[str], voice: str) -> dict[str, tuple[str, ...]]:
    """The phones of each spelling."""
    english = voice.startswith("en")
    found = {}
    with espeak(voice, "the pronunciation of words", "english") as (library, _):
        for spelling in spellings:
            own = _OWN.get(spelling.rstrip(".").lower()) if english else None
            read = respelled(spelling) if english else spelling
            found[spelling] = own or reduced_phones(_ipa(library, read))
    return found


def _ipa(library: ctypes.CDLL, text: str) -> str:
    """What eSpeak NG writes for a text, without its remarks on other languages' rules."""
    rest = ctypes.c_char_p(text.encode("utf-8"))
    clauses = []
    while rest.value:
        clause = library.espeak_TextToPhonemes(ctypes.byref(rest), CHARS_UTF8, _IPA | _SEPARATED)
        clauses.append((clause or b"").decode("utf-8"))
    return re.sub(r"\([a-z-]+\)", "", "_".join(clauses))


def respelled(word: str) -> str:
    """A numeral or an abbreviation in words that eSpeak NG reads as people do; others as they are.

    >>> respelled("$5.50"), respelled("1905"), respelled("Prof."), respelled("7")
    ('5 dollars 50', '19 oh 5', 'professor', '7')
    """
    if word.lower() in _ABBREVIATIONS:
        return _ABBREVIATIONS[word.lower()]
    word = word.removesuffix(".") if re.search(r"\d", word) else word
    for pattern, becomes in _RULES:
        if found := pattern.fullmatch(word):
            return becomes(found)
    return word


def _money(found: re.Match[str]) -> str:
    sign, amount, cents = found.groups()
    is_point = len(cents or "00") != 2  # "$1.5" is no sum of cents
    plural = "s" if (amount != "1" or is_point) and sign != "¥" else ""
    if is_point:
        return f"{amount} point {' '.join(cents)} {_MONEY[sign]}{plural}"
    return f"{amount} {_MONEY[sign]}{plural} {int(cents or 0) or ''}".strip()


def _large_sum(found: re.Match[str]) -> str:
    sign, amount, size = found.groups()
    return f"{amount} {_LARGE[size.lower()]} {_MONEY[sign]}{'' if sign == '¥' else 's'}"


def _year(found: re.Match[str]) -> str:
    century, rest = found.groups()
    if rest == "00":
        return f"{century} hundred"
    return f"{century} oh {rest[1]}" if rest[0] == "0" else f"{century} {rest}"


_RULES = [
    (re.compile(pattern, re.IGNORECASE), becomes)
    for pattern, becomes in (
        (r"([$£€¥])(\d[\d,]*)(?:\.(\d+))?", _money),
        (rf"([$£€¥])(\d[\d.,]*)({'|'.join(_LARGE)})", _large_sum),
        (r"(1[1-9]|20(?=[1-9]))(\d\d)", _year),
        (r"(10(?=[1-9]))(\d\d)", _year),
        (r"(1[1-9]|20)(\d0)'?s", lambda found: f"{found[1]} {found[2]}s"),
        (r"\.(\d+)", lambda found: f"point {' '.join(found[1])}"),
        (r"(\d+)00th", lambda found: f"{found[1]} hundredth"),
        (r"(\d\d?):0([1-9])", lambda found: f"{found[1]} oh {found[2]}"),
        (r"(\d\d?):00", lambda found: f"{found[1]} o'clock"),
        (
            rf"([-+]?\d[\d.,]*)({'|'.join(_UNITS)})",
            lambda found: f"{found[1]} {_UNITS[found[2].lower()]}",
        ),
        (r"#(\d+)", lambda found: f"number {found[1]}"),
        ("1[/⁄]2", lambda found: "one half"),
        ("1[/⁄]4", lambda found: "one quarter"),
        ("3[/⁄]4", lambda found: "three quarters"),
        (r"24/7", lambda found: "24 7"),
        (r"[^\W\d_]{2,}(?:/[^\W\d_]{2,})+", lambda found: found[0].replace("/", " ")),
        (r"\d{3}-\d{4}|\d{3}-\d{3}-\d{4}", lambda found: " ".join(found[0].replace("-", ""))),
    )
]
"""What eSpeak NG reads otherwise than people do, and how it reads it right."""
