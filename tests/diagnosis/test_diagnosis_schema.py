"""The JSON Schema of diagnoses: what is written follows it, what does not is found by it."""

import copy
import json
import math
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cifviz.diagnosis import diagnose, examine
from cifviz.diagnosis.checks.check_registry import CHECKS
from cifviz.diagnosis.faults import FAULTS, plant
from cifviz.diagnosis.finding_pictures import DRAWINGS
from cifviz.diagnosis.findings import FORMAT, SCHEMA_FILE, SEVERITIES, VERSION
from tests.diagnosis.healthy import clip_utterances

SCHEMA = json.loads(SCHEMA_FILE.read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def written(diagnosis):
    """A diagnosis as it is read from its file."""
    return json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))


@pytest.fixture(scope="module")
def many():
    """What is found in utterances each with another fault."""
    utterances = clip_utterances("digits")
    planted = [
        one
        for name, utterance in zip(FAULTS, utterances + utterances, strict=False)
        for one in plant(name, [replace(utterance, name=f"{utterance.name} {name}")])
    ]
    planted += plant("drift", utterances)
    return written(examine(planted, "many faults"))


def test_the_schema_is_one_and_says_what_the_code_says():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["format"]["const"] == FORMAT
    assert SCHEMA["properties"]["version"]["const"] == VERSION
    assert tuple(SCHEMA["$defs"]["severity"]["enum"]) == SEVERITIES
    assert set(SCHEMA["$defs"]["picture"]["properties"]["kind"]["enum"]) == set(DRAWINGS)


def test_every_entry_is_described(many):
    described = {
        name: set(part["properties"])
        for name, part in SCHEMA["$defs"].items()
        if "properties" in part
    }
    assert set(many) == set(SCHEMA["properties"])
    assert {one["name"] for one in many["checks"]} == set(CHECKS)
    for finding in many["findings"]:
        assert set(finding) == described["finding"]
        assert set(finding["picture"]["data"]) == described[finding["picture"]["kind"]]
    assert all(set(one) == described["check"] for one in many["checks"])
    assert all(set(one) == described["utterance"] for one in many["utterances"])


def test_many_findings_follow_the_schema(many):
    assert {one["picture"]["kind"] for one in many["findings"]} == set(DRAWINGS)
    VALIDATOR.validate(many)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.lists(st.floats(width=32) | st.sampled_from([0.0, 0.5, 1.0, math.nan]), max_size=8),
        min_size=1,
        max_size=3,
    )
)
def test_whatever_the_weights_are_it_follows_the_schema(rows):
    VALIDATOR.validate(written(diagnose(rows)))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.update(version=2),
        lambda one: one.update(worst="bad"),
        lambda one: one.pop("checks"),
        lambda one: one["utterances"][0].update(frames=-1),
        lambda one: one["findings"][0].update(severity=""),
        lambda one: one["findings"][0]["numbers"].update(more=None),
        lambda one: one["findings"][0]["picture"].update(kind="other"),
        lambda one: one["findings"][0]["picture"].update(data={}),
    ],
)
def test_what_is_no_diagnosis_breaks_the_schema(many, change):
    changed = copy.deepcopy(many)
    change(changed)
    assert not VALIDATOR.is_valid(changed)
