"""The explorer wears the colours of the page around it."""

import numpy as np
import pytest

from cifviz.explorer import to_html
from tests.ui import browser

pytestmark = browser.needed

GROUND = "getComputedStyle(cifvizExplorer.root).backgroundColor"
LOOK = "() => cifvizExplorer.picture.look"
CORNER = """() => { const one = cifvizExplorer.picture.canvas;
    return [...one.getContext('2d').getImageData(0, 0, 1, 1).data].slice(0, 3); }"""


@pytest.fixture(scope="module")
def written(transcription, tmp_path_factory):
    return to_html(transcription, tmp_path_factory.mktemp("theme") / "theme.html")


def comes(opened, expression, value):
    return opened.wait_for_function(f"value => {expression} === value", arg=value)


def rgb(text):
    return [int(number) for number in text[4:-1].split(",")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_background_is_that_of_its_page(opening, written, scheme):
    opened = opening(written, color_scheme=scheme)
    look = opened.evaluate(LOOK)
    assert look["isDark"] == (scheme == "dark") and opened.evaluate(GROUND) == look["paper"]
    assert opened.evaluate(CORNER) == rgb(look["paper"])
    # The page beside it, as a screen shows it, has the same colour.
    beside = opened.screenshot(clip={"x": 0, "y": 300, "width": 1, "height": 1})
    from io import BytesIO

    from PIL import Image

    pixel = np.array(Image.open(BytesIO(beside)).convert("RGB"))[0, 0]
    assert pixel.tolist() == rgb(look["paper"])


@pytest.mark.parametrize(
    ("change", "paper", "dark"),
    [
        ("document.body.style.background = '#1e1e1e'", "rgb(30, 30, 30)", True),
        ("document.documentElement.style.background = '#fdf6e3'", "rgb(253, 246, 227)", False),
        (  # a dark theme in a light system: a notebook's attribute, and a sheet that comes later
            """document.body.dataset.jpThemeName = 'JupyterLab Dark';
            setTimeout(() => document.body.style.setProperty('background', '#111111'), 50)""",
            "rgb(17, 17, 17)",
            True,
        ),
        (  # half transparent: what is behind shines through
            """document.body.style.background = '#000';
            document.querySelector('main').style.background = 'rgb(255 255 255 / 20%)';""",
            "rgb(51, 51, 51)",
            True,
        ),
    ],
)
def test_it_follows_its_page(opening, written, change, paper, dark):
    opened = opening(written, color_scheme="light")
    opened.evaluate(f"() => {{ {change} }}")
    assert comes(opened, "cifvizExplorer.picture.look.paper", paper)
    assert opened.evaluate(GROUND) == paper
    assert opened.evaluate(LOOK)["isDark"] is dark
    assert opened.evaluate(CORNER) == rgb(paper)


@pytest.mark.smoke
def test_in_a_shadow_tree_it_finds_the_page(opening, written):
    opened = opening(written, color_scheme="light")
    opened.evaluate(
        """() => {
            document.body.style.background = '#202020';
            const host = document.createElement('div');
            document.body.append(host);
            host.attachShadow({ mode: 'open' }).append(cifvizExplorer.root);
            document.body.className = 'dark';
        }"""
    )
    assert comes(opened, "cifvizExplorer.root.dataset.theme", "dark")
    ground = "cifvizExplorer.root.style.getPropertyValue('--cifviz-paper')"
    assert opened.evaluate(ground) == "rgb(32, 32, 32)"
