"""The explorer can be used by everybody: by keyboard alone, by ear, enlarged, in any script."""

from dataclasses import replace

import numpy as np
import pytest

from cifviz.alignment.timed_tokens import Alignment, TimedToken
from cifviz.explorer import to_html
from tests.explorer.test_colours import contrast
from tests.repeats import others_long
from tests.ui import browser
from tests.ui.explored import quiet, slide, tokens_of, wait_for_sound

pytestmark = browser.needed

LABELS = ("שָׁלוֹם", "七 ŋ̊ˈəː", "", "👩‍👩‍👧 مرحبا", "a" * 300)
"""Right to left, Chinese and IPA, nothing, a family and Arabic, a word without a place to break."""

FOCUS = """() => {
    const one = document.activeElement;
    const style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    const name = one.getAttribute('role') || one.closest('label')?.firstChild.textContent
        || (one.matches('select') && one.getAttribute('aria-label')) || one.innerText;
    return {
        name, id: one.dataset.test ?? null,
        ring: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
        apart: style.outlineColor !== getComputedStyle(cifvizExplorer.root).backgroundColor,
        isSeen: box.width > 0 && box.top >= 0 && box.bottom <= innerHeight + 1,
    };
}"""
"""What has the focus, and whether one can see that."""

REACHABLE = """() => {
    const all = document.querySelectorAll(
        'button, select, input, summary, a[href], textarea, [tabindex="0"]');
    const seen = [...all].filter(one => !one.disabled && one.offsetParent
        && getComputedStyle(one).visibility === 'visible');
    seen.forEach((one, index) => { one.dataset.test = index; });
    return seen.length;
}"""

CUT = """() => {
    const cut = [...document.querySelectorAll('main *')].filter(one =>
        one.scrollWidth > one.clientWidth + 1 && one.clientWidth && !one.matches('input, bdi'));
    // A choice does not say that it is cut: one as wide as it likes does.
    cut.push(...[...document.querySelectorAll('select')].filter(one => {
        const given = one.offsetWidth;
        one.style.width = 'max-content';
        const wanted = one.offsetWidth;
        one.style.width = '';
        return wanted > given;
    }));
    const wide = document.documentElement.scrollWidth > innerWidth ? [document.body] : [];
    return [...wide, ...cut].map(one => `${one.tagName} ${one.className}: ${one.scrollWidth}`);
}"""
"""Elements whose content is wider than they are."""

OVERLAPS = """() => {
    const parts = [...document.querySelectorAll(
        'main :is(button, select, input, label > span, dt, dd, legend, summary, caption, th, td,'
        + ' h1, p, canvas.cifviz-picture, .cifviz-tokens)')]
        .filter(one => one.checkVisibility())  // what is closed has a place, too
        .map(one => [one, one.getBoundingClientRect()])
        .filter(([, box]) => box.width && box.height);
    const found = [];
    parts.forEach(([one, a], index) => parts.slice(index + 1).forEach(([other, b]) => {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 1 && !one.contains(other) && !other.contains(one)) {
            found.push(`${one.outerHTML.slice(0, 80)} / ${other.outerHTML.slice(0, 80)}`);
        }
    }));
    return found;
}"""
"""Things that lie upon one another."""

ANNOUNCED = """() => {
    window.announced = [];
    new MutationObserver(() => announced.push(document.querySelector('[role=status]').textContent))
        .observe(document.querySelector('[role=status]'), { childList: true, subtree: true });
}"""
"""Keeps what a screen reader would say unasked."""


@pytest.fixture(scope="module")
def written(transcription, clip, tmp_path_factory):
    """Explorers in files: of a clip, and of one with labels of all sorts."""
    folder = tmp_path_factory.mktemp("explorer")
    spans = zip(LABELS, transcription.alignment.spans, strict=True)
    strange = Alignment(tuple(TimedToken(label, *span) for label, span in spans))
    compare = {"CTC": clip.words, "محاذاة أخرى باسم طويل جدا": strange}
    to_html(transcription, folder / "plain.html", reference=clip.words)
    to_html(
        replace(transcription, tokens=LABELS),
        folder / "strange.html",
        reference=strange,
        compare=compare,
    )
    return folder


@pytest.fixture
def opened(opening, written):
    return opening(written / "plain.html")


def settings_of(opened):
    return opened.evaluate("cifvizExplorer.settings")


def focus_by_keyboard(opened, name):
    """Tab until something of this name has the focus."""
    for _ in range(60):
        opened.keyboard.press("Tab")
        if opened.evaluate(FOCUS)["name"] == name:
            return
    raise AssertionError(f"{name} was not reached")


# Rules that a machine can check


@pytest.mark.smoke
@pytest.mark.parametrize("name", others_long("plain", "strange"))
@pytest.mark.parametrize(
    "screen",
    others_long(
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"color_scheme": "light", "width": 400},
        {"color_scheme": "dark", "width": 400},
        {"forced_colors": "active"},
    ),
    ids=lambda screen: " ".join(str(value) for value in screen.values()),
)
def test_axe_finds_nothing_serious(opening, written, name, screen):
    opened = opening(written / f"{name}.html", **screen)
    assert browser.broken_rules(opened) == []
    opened.get_by_role("button", name="drag weights").click()
    opened.get_by_text("tokens as a table").click()
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("End")
    opened.wait_for_selector("td")
    assert browser.broken_rules(opened) == []


# By keyboard alone


@pytest.mark.smoke
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tab_reaches_everything_and_the_focus_is_visible(opening, written, scheme):
    opened = opening(written / "plain.html", color_scheme=scheme)
    opened.get_by_role("button", name="drag weights").click()
    opened.get_by_label("scaling").select_option("count")
    opened.get_by_text("tokens as a table").click()
    count = opened.evaluate(REACHABLE)
    reached = {}
    for _ in range(count + 3):
        opened.keyboard.press("Tab")
        found = opened.evaluate(FOCUS)
        if found["id"] is not None:
            reached[found["id"]] = found
    assert len(reached) == count > 24
    for one in reached.values():
        assert one["ring"] >= 2 and one["apart"] and one["isSeen"], one


def test_every_slider_and_choice_moves_by_arrows(opened):
    names = {
        "tail rule": "tail",
        "scaling": "scaling",
        "threshold β": "threshold",
        "slack δ": "slack",
        "value of the tail rule": "tail",
        "gain on α": "gain",
        "smoothing (frames)": "smoothing",
        "number of tokens": "count",
    }
    assert set(names.values()) | {"weights"} == set(settings_of(opened)) | {"weights"}
    for name, setting in names.items():
        focus_by_keyboard(opened, name)
        for key, back in (("ArrowDown", "ArrowUp"), ("ArrowUp", "ArrowDown")):
            before = settings_of(opened)
            opened.keyboard.press(key)
            after = settings_of(opened)
            if after != before:
                break
            opened.keyboard.press(back)  # it stood at its end
        assert after.pop(setting) != before.pop(setting), name
        assert after == before, name
        assert opened.evaluate(FOCUS)["name"] == name


@pytest.mark.smoke
def test_arrows_move_the_tokens(opened):
    before = tokens_of(opened)
    focus_by_keyboard(opened, "threshold β")
    for _ in range(40):
        opened.keyboard.press("ArrowLeft")
    assert len(tokens_of(opened)) > len(before)
    opened.keyboard.press("Shift+Tab")
    focus_by_keyboard(opened, "threshold β")  # once around: Tab does not end in a trap


def test_every_token_is_played_by_enter_and_by_space(opened, transcription):
    focus_by_keyboard(opened, "listbox")
    for index, (start, end) in enumerate(transcription.alignment.spans):
        for key in ("Enter", " "):
            opened.evaluate("started.length = 0")
            opened.keyboard.press(key)
            wait_for_sound(opened)
            (played,) = opened.evaluate("started")
            assert played["offset"] == pytest.approx(start, abs=1e-6)
            assert played["duration"] == pytest.approx(end - start, abs=1e-6)
            assert opened.evaluate("cifvizExplorer.selected") == index
            opened.evaluate("cifvizExplorer.playback.stop()")  # or space would stop it
        opened.keyboard.press("ArrowRight" if index % 2 else "ArrowDown")


def test_buttons_work_by_enter_and_by_space(opened):
    focus_by_keyboard(opened, "loop")
    opened.keyboard.press(" ")
    focus_by_keyboard(opened, "speed")
    opened.keyboard.press("Home")
    focus_by_keyboard(opened, "play what is in view")
    opened.keyboard.press("Enter")
    wait_for_sound(opened)
    played = opened.evaluate("started[0]")
    assert played["loop"] is True and opened.evaluate("cifvizExplorer.playback.player.speed") == 0.5
    focus_by_keyboard(opened, "stop")
    opened.keyboard.press(" ")
    assert opened.evaluate("cifvizExplorer.playback.player.now") is None


def test_the_weight_of_a_frame_moves_by_keys_as_by_the_mouse(opened):
    before = opened.evaluate("[...cifvizExplorer.seen.aligned.given]")
    focus_by_keyboard(opened, "drag weights")
    opened.keyboard.press(" ")
    focus_by_keyboard(opened, "frame")
    for _ in range(3):
        opened.keyboard.press("ArrowRight")
    focus_by_keyboard(opened, "weight of the frame")
    opened.keyboard.press("End")
    after = opened.evaluate("[...cifvizExplorer.seen.aligned.given]")
    assert after[3] == 2 and after[:3] + after[4:] == before[:3] + before[4:]
    assert len(tokens_of(opened)) > 5
    focus_by_keyboard(opened, "reset")
    opened.keyboard.press("Enter")
    assert opened.evaluate("[...cifvizExplorer.seen.aligned.given]") == before


def test_page_keys_move_the_view(opened):
    focus_by_keyboard(opened, "listbox")
    for _ in range(3):
        opened.keyboard.press("+")
    begin, end = opened.evaluate("[cifvizExplorer.scale.begin, cifvizExplorer.scale.end]")
    opened.keyboard.press("PageDown")
    assert opened.evaluate("cifvizExplorer.scale.begin") == pytest.approx((begin + end) / 2)
    opened.keyboard.press("PageUp")
    assert opened.evaluate("cifvizExplorer.scale.begin") == pytest.approx(begin)


def test_escape_gives_the_focus_back_and_stops_the_sound(opened):
    focus_by_keyboard(opened, "loop")
    opened.keyboard.press("Enter")
    for _ in range(2):
        opened.keyboard.press("Shift+Tab")
    assert opened.evaluate(FOCUS)["name"] == "play what is in view"
    opened.keyboard.press("Shift+Tab")
    opened.keyboard.press("Enter")
    wait_for_sound(opened)
    assert opened.evaluate("cifvizExplorer.playback.player.now") is not None
    opened.keyboard.press("Escape")
    assert opened.evaluate("cifvizExplorer.playback.player.now") is None
    assert opened.evaluate(FOCUS)["name"] == "play what is in view"


def test_escape_without_a_previous_focus_leads_to_the_explorer(opened):
    opened.get_by_role("listbox").click()
    opened.keyboard.press("Escape")
    assert opened.evaluate("document.activeElement === cifvizExplorer.root")
    assert opened.evaluate(FOCUS)["ring"] >= 2
    opened.keyboard.press("Tab")
    assert opened.evaluate(FOCUS)["name"] == "listbox"


def test_keys_of_controls_do_not_reach_the_notebook(opened):
    opened.evaluate(
        """() => { window.reached = [];
        document.addEventListener('keydown', event => reached.push(event.key)); }"""
    )
    for name in ("listbox", "zoom in", "scaling", "gain on α"):
        focus_by_keyboard(opened, name)
        for key in ("ArrowDown", "ArrowUp", "Enter", " ", "a", "d", "j", "Escape", "Control+b"):
            opened.keyboard.press(key)
    reached = set(opened.evaluate("reached"))
    assert {"Tab", "Escape", "Control", "b"} == reached


def test_a_click_on_the_list_is_no_click_on_the_picture(opened):
    opened.get_by_role("listbox").focus()
    for key in ("End", "+", "+"):
        opened.keyboard.press(key)
    before = opened.evaluate("[cifvizExplorer.scale.begin, cifvizExplorer.selected]")
    opened.get_by_role("listbox").click(position={"x": 300, "y": 10})
    assert opened.evaluate("[cifvizExplorer.scale.begin, cifvizExplorer.selected]") == before
    assert opened.evaluate(FOCUS)["ring"] >= 2
    opened.keyboard.press("Enter")
    wait_for_sound(opened)  # the first that is played
    last = tokens_of(opened)[-1]["start"]
    assert opened.evaluate("started.map(one => one.offset)") == [pytest.approx(last, abs=1e-6)]


# By ear


def test_the_list_names_token_times_and_place(opened):
    opened.get_by_role("listbox").focus()
    names = set()
    for place, label in enumerate(("two", "seven", "one", "eight", "two"), 1):
        token = tokens_of(opened)[place - 1]
        option = opened.get_by_role("listbox").get_by_role("option", selected=True)
        text = f"{label}, {token['start']:.2f} to {token['end']:.2f} seconds"
        assert option.get_attribute("aria-posinset") == str(place)
        assert option.get_attribute("aria-setsize") == "5"
        assert option.inner_text() == f"{text} · {place} of 5"
        assert f'option "{text}" [selected]' in opened.get_by_role("listbox").aria_snapshot()
        names.add(opened.get_by_role("listbox").get_attribute("aria-activedescendant"))
        assert opened.evaluate("id => !!document.getElementById(id)", option.get_attribute("id"))
        opened.keyboard.press("ArrowRight")
    assert len(names) == 5  # or else a screen reader would take all for the first


def test_each_slider_has_its_name_and_its_value_once(opened):
    for name, value in {"threshold β": "1", "slack δ": "0.01", "gain on α": "1"}.items():
        slider = opened.get_by_role("slider", name=name, exact=True)
        assert slider.get_attribute("aria-valuetext") == value
    assert opened.locator("output").count() == 0
    opened.goto(f"{opened.url}#threshold=5")  # beyond the slider's end
    slider = opened.get_by_role("slider", name="threshold β", exact=True)
    assert slider.get_attribute("aria-valuetext") == "5"


def test_only_another_number_of_tokens_is_announced(opened):
    quiet(opened)
    opened.evaluate(ANNOUNCED)
    announced = opened.get_by_label("threshold β").evaluate(
        """input => { for (let step = 0; step < 20; step += 1) {
            input.value = 1 - step / 40;
            input.dispatchEvent(new Event('input'));
        }
        return [...window.announced]; }"""
    )
    assert announced == []
    quiet(opened)
    count = len(tokens_of(opened))
    assert opened.evaluate("announced") == [f"{count} tokens"]
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("ArrowRight")
    slide(opened, "threshold β", 0.53)
    assert len(tokens_of(opened)) == count
    quiet(opened)
    assert opened.evaluate("announced") == [f"{count} tokens"]


@pytest.mark.smoke
def test_the_table_is_labelled(opened):
    opened.get_by_text("tokens as a table").click()
    table = opened.get_by_role("table")
    assert "5 tokens" in table.locator("caption").inner_text()
    heads = table.get_by_role("columnheader")
    assert heads.count() == 5
    assert {head.get_attribute("scope") for head in heads.all()} == {"col"}
    rows = table.get_by_role("rowheader")
    assert rows.all_inner_texts() == ["two", "seven", "one", "eight", "two"]
    assert {row.get_attribute("scope") for row in rows.all()} == {"row"}


def test_the_picture_is_hidden_from_screen_readers(opened):
    assert opened.evaluate(
        "[...document.querySelectorAll('canvas')].every(one => one.ariaHidden === 'true')"
    )


# Movement


def test_nothing_moves_by_itself(opening, written):
    opened = opening(written / "plain.html", reduced_motion="reduce")
    opened.get_by_role("button", name="zoom in").click()
    view = "[cifvizExplorer.scale.begin, cifvizExplorer.scale.end]"
    before = opened.evaluate(view)
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("Enter")
    wait_for_sound(opened)
    opened.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert opened.evaluate("document.getAnimations().length") == 0
    assert opened.evaluate(
        """[...document.querySelectorAll('*')].every(one => {
        const style = getComputedStyle(one);
        return style.transitionDuration === '0s' && style.animationName === 'none'
            && style.scrollBehavior === 'auto'; })"""
    )
    chosen = tokens_of(opened)[0]
    shown = opened.evaluate(view)
    assert shown[1] - shown[0] == pytest.approx(before[1] - before[0])
    assert shown[0] <= chosen["start"] and chosen["end"] <= shown[1]


# Every script


def test_labels_have_the_direction_of_their_script_and_time_runs_to_the_right(opening, written):
    opened = opening(written / "strange.html")
    opened.evaluate("document.documentElement.dir = 'rtl'")
    opened.get_by_text("tokens as a table").click()
    opened.get_by_role("listbox").focus()
    seen = []
    for _ in LABELS:
        seen.append(opened.locator("bdi").inner_text())
        opened.keyboard.press("ArrowRight")
    assert seen == [label or "(no label)" for label in LABELS]
    quiet(opened)  # the table does not change any more
    table = opened.get_by_role("table").filter(has_text="times in seconds")
    rows = table.locator("tbody th")
    assert rows.evaluate_all("all => all.map(one => getComputedStyle(one).direction)") == [
        "rtl", "ltr", "ltr", "rtl", "ltr",
    ]  # fmt: skip
    lefts = table.locator("thead th").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().left)"
    )
    assert lefts == sorted(lefts)
    assert opened.evaluate("cifvizExplorer.scale.x(0.5) < cifvizExplorer.scale.x(1)")
    assert (
        opened.locator(".cifviz-stage").evaluate("one => getComputedStyle(one).direction") == "ltr"
    )


def test_arrows_follow_time_in_a_right_to_left_page(opening, written):
    opened = opening(written / "strange.html")
    opened.evaluate("document.documentElement.dir = 'rtl'")
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("ArrowRight")
    assert opened.evaluate("cifvizExplorer.selected") == 1


# Enlarged


@pytest.mark.parametrize("name", others_long("plain", "strange"))
@pytest.mark.parametrize(
    "enlarged",
    others_long(
        (400, {}),
        (1280, {"device_scale_factor": 2}),
        (640, {"device_scale_factor": 2}),
        (640, {}),
        (320, {"device_scale_factor": 4}),
    ),
    ids=["phone", "200 % of the screen", "200 % zoom", "half a window", "400 % zoom"],
)
def test_nothing_is_cut_and_nothing_overlaps(opening, written, name, enlarged):
    width, screen = enlarged
    opened = opening(written / f"{name}.html", width=width, **screen)
    opened.get_by_role("button", name="drag weights").click()
    opened.get_by_text("tokens as a table").click()
    opened.get_by_text("what the lanes show").click()
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("End")
    opened.wait_for_selector("td")
    assert opened.evaluate(CUT) == []
    assert opened.evaluate(OVERLAPS) == []
    scale = screen.get("device_scale_factor", 1)
    canvas = opened.evaluate(
        """() => { const one = cifvizExplorer.picture.canvas;
        return [one.width, one.getBoundingClientRect().width]; }"""
    )
    assert canvas[0] == pytest.approx(scale * canvas[1], abs=1)  # sharp, not stretched


def test_the_playhead_is_on_the_picture_with_long_labels(opening, written):
    opened = opening(written / "strange.html", width=400)
    opened.get_by_role("listbox").focus()
    opened.keyboard.press("End")
    boxes = opened.locator("canvas").evaluate_all(
        "all => all.map(one => { const box = one.getBoundingClientRect();"
        " return [box.top, box.bottom, box.left, box.right]; })"
    )
    assert len(boxes) == 2 and boxes[0] == pytest.approx(boxes[1])


# Other colours, and paper


def strip_of(opened, top, height):
    """Pixels of a part of the picture, by rows."""
    return np.array(
        opened.evaluate(
            """([top, height]) => { const one = cifvizExplorer.picture.canvas;
            const { data } = one.getContext('2d').getImageData(0, top, one.width, height);
            return [...data]; }""",
            [top, height],
        )
    ).reshape(height, -1, 4)[..., :3]


def comes(opened, expression, value):
    """Whether something gets a value."""
    return opened.wait_for_function(f"value => {expression} === value", arg=value)


def corner(opened):
    """Paper, where nothing is drawn."""
    return strip_of(opened, 0, 1)[:, :20]


def top_of_token_lane(opened):
    """Its first eight rows of pixels."""
    strip = opened.evaluate("cifvizExplorer.picture.strips.tokens")
    return strip_of(opened, round(strip["top"]), 8)


def test_the_axis_is_the_same_for_names_of_any_script(opening, written):
    plain, strange = (opening(written / f"{name}.html") for name in ("plain", "strange"))
    height = "cifvizExplorer.picture.height"
    axes = [strip_of(one, one.evaluate(height) - 14, 14) for one in (plain, strange)]
    assert (axes[0] == axes[1]).all()


SCREENS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"forced_colors": "active"},
    "forced dark": {"forced_colors": "active", "color_scheme": "dark"},
}


@pytest.mark.parametrize("screen", others_long(*SCREENS.values()), ids=SCREENS)
def test_the_selection_is_visible_on_every_colour(opening, written, screen):
    """Around it runs a line with paper on both sides, which WCAG asks for a contrast of 3."""
    opened = opening(written / "plain.html", **screen)
    opened.get_by_label("scaling").select_option("count")
    opened.get_by_role("slider", name="number of tokens").focus()
    for _ in range(2):
        opened.keyboard.press("ArrowRight")  # seven: one of each colour
    look = opened.evaluate(
        """() => { const pixel = new OffscreenCanvas(1, 1).getContext('2d');
        const { paper, accent } = cifvizExplorer.picture.look;
        return [paper, accent].map(colour => {
            pixel.fillStyle = paper;
            pixel.fillRect(0, 0, 1, 1);
            pixel.fillStyle = colour;
            pixel.fillRect(0, 0, 1, 1);
            return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3); }); }"""
    )
    paper, accent = (np.array(colour) for colour in look)
    assert contrast(*(f"#{bytes(colour.tolist()).hex()}" for colour in (paper, accent))) > 3
    opened.get_by_role("listbox").focus()
    left = round(opened.evaluate("cifvizExplorer.picture.width - cifvizExplorer.scale.width"))
    for index, token in enumerate(tokens_of(opened)):
        assert opened.evaluate("cifvizExplorer.selected") == index
        middle = (token["start"] + token["end"]) / 2
        x = left + round(opened.evaluate("t => cifvizExplorer.scale.x(t)", middle))
        column = top_of_token_lane(opened)[:, x - 20 : x + 20].mean(axis=1)
        is_accent = np.abs(column - accent).max(axis=1) < 30
        is_paper = np.abs(column - paper).max(axis=1) < 30
        first = int(is_accent.argmax())
        assert is_accent[first : first + 3].all(), column
        assert is_paper[:first].all() and is_paper[first + 3 : first + 5].all(), column
        opened.keyboard.press("ArrowRight")
    assert index == 6


def test_forced_colours_are_used_everywhere(opening, written):
    opened = opening(written / "plain.html", forced_colors="active", color_scheme="dark")
    look = opened.evaluate("cifvizExplorer.picture.look")
    assert (look["paper"], look["ink"]) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    assert look["isDark"] is True
    assert (corner(opened) == 0).all()  # the canvas, too
    loop = opened.get_by_role("button", name="loop")
    colours = "one => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
    before = loop.evaluate(colours)
    loop.click()
    assert loop.evaluate(colours) != before
    for control in opened.locator("main :is(button, select)").all():
        assert control.evaluate("one => getComputedStyle(one).borderTopStyle") == "solid"
    # Turned on while the page is open, they come at once.
    opened.emulate_media(forced_colors="none", color_scheme="light")
    assert comes(opened, "cifvizExplorer.picture.look.paper", "rgb(255, 255, 255)")
    opened.emulate_media(forced_colors="active", color_scheme="dark")
    assert comes(opened, "cifvizExplorer.picture.look.paper", "rgb(0, 0, 0)")


def test_print_has_no_buttons_and_white_paper(opening, written):
    opened = opening(written / "plain.html", color_scheme="dark")
    assert opened.get_by_role("button", name="zoom in").is_visible()
    opened.emulate_media(media="print", color_scheme="dark")
    assert opened.locator("button:visible").count() == 0
    assert opened.locator("dl:visible").count() == 1 and opened.get_by_role("listbox").is_visible()
    assert comes(opened, "cifvizExplorer.picture.look.paper", "rgb(255, 255, 255)")
    assert (corner(opened) == 255).all()
    root = opened.locator(".cifviz-explorer")
    colour = "one => getComputedStyle(one).backgroundColor"
    assert root.evaluate(colour) == "rgb(255, 255, 255)"
    opened.emulate_media(media="screen", color_scheme="dark")
    assert root.evaluate(colour) != "rgb(255, 255, 255)"
    assert comes(opened, "cifvizExplorer.picture.look.isDark", True)
    assert not (corner(opened) == 255).any()
