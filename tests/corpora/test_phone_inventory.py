import pytest

from cifviz.corpora.clips import list_clips, load_clip
from cifviz.corpora.phone_inventory import PHONES, reduced_phones
from cifviz.errors import DataError


def test_every_phone_stands_for_itself():
    assert len(PHONES) == len(set(PHONES)) == 42
    for phone in PHONES:
        assert reduced_phones(phone) == (phone,)


@pytest.mark.parametrize(
    ("symbols", "phones"),
    [
        ("", ""),
        ("ˈ", ""),
        ("ˈuː", "uː"),
        ("hˈæpi", "h æ p iː"),
        ("bˈɑːɾəl", "b ɑː ɾ ə l"),
        ("bˈʌʔn̩", "b ʌ t ə n"),
        ("skwˈɛɹ", "s k w ɛ ɹ"),
        ("ˈaɪɚn", "aɪ ɚ n"),
        ("b_ˈɛ_ɾ_ɚ", "b ɛ ɾ ɚ"),
        ("lˈɒt ɡˈəʊt", "l ɑː t ɡ oʊ t"),  # British
        ("ˈa:", "ɑː"),  # Scottish, as eSpeak NG writes it
        ("t͡ʃɛskiː", "tʃ ɛ s k iː"),  # a tie bar
        ("ʒluc̟ou̯t͡ʃkiː", "ʒ l uː t j oʊ uː tʃ k iː"),
        ("ɔ̃ ç ř".replace("ř", "r̝"), "ɔː ʃ ʒ"),
        ("ni5 xɑu2", "n iː k ɑː uː"),  # tones
    ],
)
def test_symbols_become_the_nearest_phones(symbols, phones):
    assert reduced_phones(symbols) == tuple(phones.split())


def test_composed_and_decomposed_letters_are_the_same():
    assert reduced_phones("ç") == reduced_phones("c\u0327") == ("ʃ",)


def test_an_unknown_symbol_is_named():
    with pytest.raises(DataError, match="nearest English phone is known, got 'ʘ' in 'aʘa'"):
        reduced_phones("aʘa")


def test_phones_of_the_clips_are_in_the_inventory():
    for name in list_clips():
        for phone in load_clip(name).phones:
            assert set(reduced_phones(phone.token)) <= set(PHONES)
