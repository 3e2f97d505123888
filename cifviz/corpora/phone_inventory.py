"""`PHONES`, a closed list of the phones of English, and what other symbols of IPA become in it.

eSpeak NG writes some sounds of American English in several ways, or joins two of them: the vowel of
"for" and the r behind it are one symbol, and two before a vowel. In `PHONES` each sound has one
symbol and no stress, and a diphthong or an affricate is one phone. Phones of other accents and
languages become those that sound nearest to them: `reduced_phones` says which.
"""

from __future__ import annotations

import re
import unicodedata

from cifviz.errors import DataError, shown

PHONES = tuple(
    (
        "p b t d k ɡ tʃ dʒ f v θ ð s z ʃ ʒ h m n ŋ l ɹ w j ɾ "  # ɾ: of "water"
        "iː ɪ ɛ æ ɑː ɔː ʊ uː ʌ ə ɚ ɜː eɪ aɪ ɔɪ aʊ oʊ"  # ɚ: of "better", ɜː: of "nurse"
    ).split()
)
"""25 consonants and 17 vowels, in the order of the output classes of recognisers of phones."""

_ENGLISH = {
    "i": "iː",  # happy
    "ᵻ": "ɪ",  # roses
    "ɐ": "ə",  # about
    "ɔ": "ɔː",  # on
    "n̩": "ə n",  # button
    "əl": "ə l",  # bottle
    "ʔ": "t",  # button
    "ɒ": "ɑː",  # British: lot
    "ɑ": "ɑː",
    "a": "æ",  # British: trap
    "əʊ": "oʊ",  # British: goat
    "ɛʊ": "oʊ",
    "eə": "ɛ",  # British: square
    "u": "uː",
    "ɜ": "ɜː",
    "r": "ɹ",  # Scottish
    "g": "ɡ",
    "ɫ": "l",
    "x": "k",  # loch
    "ʍ": "w",
}
"""What eSpeak NG's English voices write besides, and what it becomes."""

_OTHER = {
    "aː": "ɑː",
    "ɐ̯": "ɚ",
    "e": "ɛ",
    "eː": "eɪ",
    "ɛː": "ɛ",
    "œ": "ɜː",
    "ø": "ɜː",
    "øː": "ɜː",
    "o": "oʊ",
    "oː": "oʊ",
    "ɵ": "ʊ",
    "ɤ": "ʌ",
    "y": "iː",
    "ʏ": "ɪ",
    "ɨ": "ɪ",
    "ʉ": "uː",
    "ɯ": "uː",
    "ɘ": "ə",
    "ɶ": "æ",
    "ɥ": "j",
    "ts": "t s",
    "dz": "d z",
    "tɕ": "tʃ",
    "tʂ": "tʃ",
    "dʑ": "dʒ",
    "dʐ": "dʒ",
    "ɕ": "ʃ",
    "ʂ": "ʃ",
    "ç": "ʃ",
    "ʑ": "ʒ",
    "ʐ": "ʒ",
    "ʝ": "j",
    "ɣ": "ɡ",
    "χ": "h",
    "ħ": "h",
    "ɦ": "h",
    "r̝": "ʒ",  # Czech
    "ʁ": "ɹ",
    "ʀ": "ɹ",
    "ɻ": "ɹ",
    "ɽ": "ɾ",
    "ɬ": "l",
    "ɭ": "l",
    "ʎ": "l j",
    "ɲ": "n j",
    "ɳ": "n",
    "ɴ": "ŋ",
    "ɱ": "m",
    "β": "v",
    "ʋ": "v",
    "ɸ": "f",
    "c": "t j",
    "ɟ": "d j",
    "ʈ": "t",
    "ɖ": "d",
    "q": "k",
    "ɢ": "ɡ",
    "ɓ": "b",
    "ɗ": "d",
    "ʕ": "h",
}
"""The nearest phones to symbols of other languages: same manner, nearest place of articulation."""

_BECOMES = {
    unicodedata.normalize("NFD", symbol): tuple(phones.split())
    for symbol, phones in {**_OTHER, **_ENGLISH, **{phone: phone for phone in PHONES}}.items()
}
_LONGEST = max(map(len, _BECOMES))
_IGNORED = 'ːˑ:ʲʰʷˠˤʼ".|‖‿˥˦˧˨˩0123456789^-_ '
"""Stress, length, secondary articulation, tones and separators, where no entry has them."""


def reduced_phones(symbols: str) -> tuple[str, ...]:
    """What a string of IPA becomes in `PHONES`.

    From left to right the longest entry of the tables above is taken. Stress, tones and other marks
    are passed over.

    Parameters
    ----------
    symbols : str
        As eSpeak NG writes them: "ˈaʊɚ", or one phone of its events.

    Returns
    -------
    tuple of str
        Of `PHONES`; empty where there is nothing but marks.

    Raises
    ------
    DataError
        If a symbol is in no table.

    Examples
    --------
    "for", with the vowel and the r in one symbol or in two:

    >>> reduced_phones("fˈɔːɹ")
    ('f', 'ɔː', 'ɹ')
    >>> reduced_phones("faɪɚ"), reduced_phones("tʃˈɜːtʃ")
    (('f', 'aɪ', 'ɚ'), ('tʃ', 'ɜː', 'tʃ'))
    """
    text = re.sub("[ˈˌ\u0361]", "", unicodedata.normalize("NFD", symbols.replace(":", "ː")))
    phones: list[str] = []
    place = 0
    while place < len(text):
        for length in range(_LONGEST, 0, -1):
            found = _BECOMES.get(text[place : place + length])
            if found is not None:
                phones += found
                place += length
                break
        else:
            is_mark = text[place] in _IGNORED or unicodedata.category(text[place])[0] == "M"
            if not is_mark:
                raise DataError(
                    f"expected IPA symbols of which the nearest English phone is known, got "
                    f"{shown(text[place])} in {shown(symbols)}"
                )
            place += 1
    return tuple(phones)
