"""EAF of ELAN: what is written, what others write, and what would harm."""

import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.errors import DataError
from cifviz.formats import read_alignments, write_alignments

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2020-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="{version}"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="{start}"/>
<TIME_SLOT TIME_SLOT_ID="ts2"/><TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="1500"/></TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="t" TIER_ID="words">{annotations}</TIER>
<TIER LINGUISTIC_TYPE_REF="g" TIER_ID="gloss" PARENT_REF="words"><ANNOTATION>
<REF_ANNOTATION ANNOTATION_ID="a9" ANNOTATION_REF="a1"><ANNOTATION_VALUE>ONE</ANNOTATION_VALUE>
</REF_ANNOTATION></ANNOTATION></TIER>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="t" TIME_ALIGNABLE="true"/>
</ANNOTATION_DOCUMENT>"""
ANNOTATION = """<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}" TIME_SLOT_REF1="{first}"
TIME_SLOT_REF2="{last}"><ANNOTATION_VALUE>{label}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>
</ANNOTATION>"""
BOMB = "<!DOCTYPE x [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {new} '{f'&{old};' * 10}'>" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
ONE = ANNOTATION.format(name="a1", first="ts1", last="ts3", label="one")


def document(annotations=ONE, *, doctype="", version="3.0", start=250):
    return DOCUMENT.format(annotations=annotations, doctype=doctype, version=version, start=start)


def read(folder, text):
    path = folder / "a.eaf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_alignments(path)


@pytest.mark.parametrize("version", ["2.7", "3.0", "9.9"])
def test_aligned_annotations_have_times_and_referring_ones_have_none(tmp_path, version):
    assert read(tmp_path, document(version=version)) == {
        "words": Alignment((TimedToken("one", 0.25, 1.5),)),
        "gloss": Alignment((TimedToken("ONE"),)),
    }


def test_an_annotation_without_a_time_is_untimed(tmp_path):
    halves = ANNOTATION.format(name="a1", first="ts1", last="ts2", label="a")
    halves += ANNOTATION.format(name="a2", first="ts2", last="ts3", label="")
    assert read(tmp_path, document(halves))["words"].tokens == (TimedToken("a"), TimedToken(""))


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1"])
def test_an_xml_file_says_its_encoding(tmp_path, encoding):
    text = document().replace("UTF-8", encoding).replace(">one<", ">é<")
    assert read(tmp_path, text.encode(encoding))["words"].text == "é"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (document(doctype=BOMB + "]>", annotations=ONE.replace("one", "&i;")), "a document type"),
        (document(doctype='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "a document type"),
        (
            document(
                doctype='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
                annotations=ONE.replace("one", "&e;"),
            ),
            "a document type",
        ),
        (document(ONE.replace("one", "&e;")), "it is no XML: undefined entity"),
        (document()[:-9], "it is no XML"),
        (document().replace("UTF-8", "UTF-1_0"), "what ELAN writes is missing in it"),
        ("<a/>", "its outermost element is 'a', expected 'ANNOTATION_DOCUMENT'"),
        ("<ANNOTATION_DOCUMENT/>", "what ELAN writes is missing in it"),
        (document(start="nan"), "what ELAN writes is missing in it"),
        (document(start="9" * 5000), "what ELAN writes is missing in it"),
        (document(start=-1), "a time in milliseconds must be a number >= 0"),
        (document(start=10**15), "a time in milliseconds must be a number >= 0 and <= 1e.11"),
        (document(start=2000), "'one' ends before it starts"),
        (document(ONE + ONE.replace('"a1"', '"a2"')), "'words': tokens that overlap"),
        (document("<A>" * 50_000), "it is no XML"),
    ],
)
def test_what_is_no_eaf_is_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=f"expected EAF of ELAN, cannot read .*: .*{message}"):
        read(tmp_path, text)


def test_deep_nesting_of_what_is_no_annotation_is_passed_over(tmp_path):
    deep = document("<A>" * 50_000 + "</A>" * 50_000 + ONE)
    assert read(tmp_path, deep)["words"].text == "one"


def test_equal_alignments_make_equal_files(tmp_path):
    tiers = {"words": Alignment((TimedToken("a", 0, 1),)), "empty": Alignment()}
    first, second = (write_alignments(tmp_path / name, tiers, 1.0) for name in ("a.eaf", "b.eaf"))
    assert first.read_bytes() == second.read_bytes()
    assert not list(tmp_path.glob("*.bak"))
    write_alignments(first, tiers, 1.0, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.eaf", "b.eaf"]


def test_an_annotation_is_never_empty_and_none_overlap(tmp_path):
    tokens = Alignment(TimedToken(label, 0.5, 0.5) for label in "abc")
    found = read_alignments(write_alignments(tmp_path / "a.eaf", tokens, 1.0))["words"]
    assert found.spans == ((0.5, 0.501), (0.501, 0.502), (0.502, 0.503))


@pytest.mark.parametrize("text", ["a\0", "a\rb", "\x1b", "\ud800", "\uffff"])
def test_what_xml_cannot_hold_is_refused(tmp_path, text):
    tokens = Alignment((TimedToken(text, 0, 1),))
    for tiers in (tokens, {text: Alignment()}):
        with pytest.raises(DataError, match=r"a\.eaf: EAF cannot hold control characters"):
            write_alignments(tmp_path / "a.eaf", tiers, 1.0)
    with pytest.raises(DataError, match="EAF cannot hold a tier without a name"):
        write_alignments(tmp_path / "a.eaf", {"": Alignment()}, 1.0)
    assert list(tmp_path.iterdir()) == []
