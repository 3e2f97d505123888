"""The page of a diagnosis in a browser: readable on a screen and on a phone, without a network."""

import pytest

from cifviz.diagnosis import diagnose, examine
from cifviz.diagnosis.faults import FAULTS, plant
from cifviz.diagnosis.report_page import to_html
from tests.diagnosis.healthy import clip_utterances
from tests.repeats import others_long
from tests.ui import browser

pytestmark = browser.needed


@pytest.mark.smoke
@pytest.mark.parametrize("name", others_long(*FAULTS))
def test_the_page_of_a_faulty_model_is_whole(page, tmp_path, name):
    found = examine(plant(name, clip_utterances("digits")), "x" * 200)
    assert found.fails()
    assert browser.Reader(page).faults(to_html(found, tmp_path / "page.html")) == []


def test_the_page_of_a_healthy_one_is_whole(page, tmp_path):
    found = diagnose([0.5, 0.5], tail="drop")
    assert browser.Reader(page).faults(to_html(found, tmp_path / "page.html")) == []
