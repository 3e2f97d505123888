import importlib.util
import sys

import pytest

from cifviz.corpora.phone_inventory import PHONES
from cifviz.corpora.pronunciation import LONGEST_WORD, SpokenWord, pronounce, respelled
from cifviz.errors import CIFError, DataError

needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="pronunciations need espeakng-loader (pip install cifviz[english])",
)


def phones(text, **how):
    """Phones of the words, those of each joined by spaces."""
    return [" ".join(word.phones) for word in pronounce(text, **how)]


@needs_espeak
def test_words_have_their_places_and_their_phones():
    text = "“When morning comes,” she said—well… don’t (we) know?"
    words = pronounce(text)
    assert [word.text for word in words] == "When morning comes she said well don’t we know".split()
    assert all(text[word.start : word.end] == word.text for word in words)
    assert " ".join(words[0].phones) == "w ɛ n"
    assert " ".join(words[6].phones) == "d oʊ n t"
    assert all(word.phones and set(word.phones) <= set(PHONES) for word in words)


@needs_espeak
@pytest.mark.parametrize("text", ["", "  \n", "—", "...", "?!", "😀", "“ ” - … 😀👍🏽"])
def test_a_text_without_words_gives_none(text):
    assert pronounce(text) == ()


@needs_espeak
def test_emoji_and_punctuation_between_words_are_passed_over():
    assert [word.text for word in pronounce("😀 hello 😀 - world !")] == ["hello", "world"]


@needs_espeak
def test_a_word_sounds_the_same_wherever_it_stands():
    """eSpeak NG makes one word of "have been", and links "for" and "an" when it reads a text."""
    text = "I have been for an hour to a lake"
    together = phones(text)
    assert together == [phones(word)[0] for word in text.split()]
    assert len(together) == 9
    assert together[-3:] == ["t ə", "ə", "l eɪ k"]


@needs_espeak
@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("42", "forty-two"),
        ("1,000", "one thousand"),
        ("3.14", "three point one four"),
        (".5", "point five"),
        ("-5", "minus five"),
        ("3rd", "third"),
        ("100th", "one-hundredth"),
        ("10%", "ten percent"),
        ("1984", "nineteen eighty-four"),
        ("1905", "nineteen oh five"),
        ("1900", "nineteen hundred"),
        ("2000", "two thousand"),
        ("2026.", "twenty twenty-six"),
        ("1990s", "nineteen nineties"),
        ("$5.50", "five dollars fifty"),
        ("$1", "one dollar"),
        ("$1.5", "one point five dollars"),
        ("€3.25", "three euros twenty-five"),
        ("$5.00", "five dollars"),
        ("£20", "twenty pounds"),
        ("$5bn", "five billion dollars"),
        ("€2.5M", "two point five million euros"),
        ("and/or", "and or"),
        ("he/she/they", "he she they"),
        ("w/o", "without"),
        ("3:30", "three thirty"),
        ("10:05", "ten oh five"),
        ("5kg", "five kilograms"),
        ("½", "one half"),
        ("#7", "number seven"),
        ("24/7", "twenty-four seven"),
        ("555-1234", "five five five one two three four"),
        ("Dr.", "doctor"),
        ("Mr", "mister"),
        ("Prof.", "professor"),
        ("Jan.", "january"),
        ("U.S.A.", "USA"),
        ("vs.", "versus"),
        ("&", "and"),
        ("don’t", "don't"),
        ("cafe\u0301", "café"),
        ("ﬁne", "fine"),
        ("so\u00adft", "soft"),
        ("x\0y", "xy"),
    ],
)
def test_what_is_written_is_one_word_with_the_phones_of_what_is_spoken(written, spoken):
    (word,) = phones(written)
    # Within "ninety" or "forty-two" eSpeak NG joins: the stop is a flap or not.
    assert word.replace("ɾ", "t") == " ".join(phones(spoken)).replace("ɾ", "t")


@needs_espeak
@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("$5 million.", ["five", "million dollars"]),
        ("a £1.5 Billion plan", ["a", "one point five", "billion pounds", "plan"]),
        ("¥10 trillion", ["ten", "trillion yen"]),
        ("$5 a million", ["five dollars", "a", "million"]),
    ],
)
def test_the_currency_of_a_large_sum_is_read_behind_it(written, spoken):
    words = pronounce(written)
    assert [word.text for word in words] == [one.rstrip(".") for one in written.split()]
    assert [" ".join(word.phones) for word in words] == [" ".join(phones(one)) for one in spoken]


@needs_espeak
@pytest.mark.parametrize(
    ("written", "sounds"), [("Hm,", "h m"), ("mm-hm", "m h m"), ("Mhm.", "m h m"), ("shh", "ʃ")]
)
def test_sounds_without_a_vowel_are_not_spelled(written, sounds):
    assert phones(written) == [sounds]


@needs_espeak
@pytest.mark.parametrize("text", ["well-known", "mother-in-law's", "O'Neill", "e.g.", "it's"])
def test_hyphens_apostrophes_and_stops_do_not_part_a_word(text):
    (word,) = pronounce(text)
    assert word.text == text.removesuffix(".")


@needs_espeak
@pytest.mark.parametrize("text", ["привет мир", "hello 日本語", "٣ apples", "naïve мир"])
def test_another_script_is_refused_with_its_words(text):
    with pytest.raises(DataError, match="Latin letters and digits, got '(привет|日本語|٣|мир)'"):
        pronounce(text)


@needs_espeak
def test_letters_of_latin_alphabets_are_read():
    assert len(pronounce("naïve café Ångström Łódź façade")) == 5


@needs_espeak
def test_of_many_words_that_are_refused_some_are_named():
    with pytest.raises(DataError, match=r"'а0', 'а1', 'а2', 'а3', 'а4' and 95 more: write"):
        pronounce(" ".join(f"а{index}" for index in range(100)))


@needs_espeak
def test_a_word_may_not_be_longer_than_speech_has_them():
    assert len(pronounce("x" * LONGEST_WORD)) == 1
    with pytest.raises(DataError, match="at most 60 characters, got 'xxx.* of 61, at character 3"):
        pronounce("hi " + "x" * (LONGEST_WORD + 1))


@needs_espeak
def test_ten_thousand_words_are_read_like_one():
    words = pronounce("one two, three four. " * 2500)
    assert len(words) == 10_000
    assert [word.phones for word in words[-4:]] == [word.phones for word in words[:4]]
    assert words[-1].start == 21 * 2499 + 15


@needs_espeak
def test_another_language_is_read_in_english_phones():
    (word,) = phones("čtyři", voice="cs")
    assert word == "tʃ t iː ʒ iː"
    assert len(phones("привет", voice="ru")) == 1
    with pytest.raises(CIFError, match="no voice 'klingon'"):
        pronounce("nuqneH", voice="klingon")


def test_what_needs_no_other_spelling_keeps_its_own():
    for word in ("hello", "Hello.", "7", "1000", "2000", "3.14", "1,000", "12345", "a-b"):
        assert respelled(word) == word


def test_only_a_text_is_read():
    with pytest.raises(CIFError, match="text must be a str, got"):
        pronounce(["hello"])


def test_a_missing_reader_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(CIFError, match=r"pronunciation .* pip install cifviz\[english\]"):
        pronounce("one")


@pytest.mark.parametrize("phones", [None, 5, (), "ab", (["ɪ"],), ("ɪ", 3)])
def test_phones_of_a_word_are_texts(phones):
    with pytest.raises(CIFError, match=r"SpokenWord\.phones must be texts, at least one"):
        SpokenWord("in", 0, 2, phones)
    with pytest.raises(CIFError, match=r"SpokenWord\.text must be a str"):
        SpokenWord(None, 0, 2, ("ɪ", "n"))
