"""Links of a notebook are followed as Jupyter, GitHub and HTML would."""

import pytest

from cifviz.notebooks import checks


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("[more](02_missing.ipynb)", "which is not there"),
        ("[more](../MISSING.md#there)", "which is not there"),
        ("![more](missing.png)", "which is not there"),
        ('<img src="missing.png">', "which is not there"),
        ("\n\n[more]: missing.py", "which is not there"),
        ("[more](/notebooks/00_line.ipynb)", "a place on one machine"),
        ("[more](file:///home/me/x.md)", "a place on one machine"),
        ("[more](#Words)", "different names"),
        ("[more](01_next.ipynb#Words)", "different names"),
        ("[more](../README.md#no-such-heading)", "no heading is called so"),
    ],
)
def test_dead_links_are_found(good, folder, link, complaint):
    place = folder / "00_line.ipynb"
    good.cells[0].source += f" and {link}"
    (found,) = checks.links_resolve(good, place)
    assert found.startswith("cell 0 links to ") and complaint in found


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("[long](" + "x" * 100_000 + ")", "which is not there"),
        ("[null](a%00b.md#x)", "which is not there"),
        ("[folder](../folder.md#x)", ""),
        ("[bytes](../bytes.md#good)", ""),
        ("[space](../with%20space.md)", ""),
        ("[web](HTTPS://example.org)", ""),
        ("![kept](attachment:a.png)", ""),
    ],
)
def test_odd_links_are_followed(good, folder, link, complaint):
    (folder.parent / "folder.md").mkdir()
    (folder.parent / "bytes.md").write_bytes(b"# \xff\n# Good\n")
    (folder.parent / "with space.md").touch()
    good.cells[0].source = link
    found = checks.links_resolve(good, folder / "00_line.ipynb")
    assert [complaint in one and len(one) < 300 for one in found] == [True] * bool(complaint)


def test_links_that_lead_somewhere_pass(good, folder):
    place = folder / "00_line.ipynb"
    (folder / "01_next.ipynb").touch()
    (folder.parent / "README.md").write_text("# A project\n\n## How good it is: results!\n")
    good.cells[0].source += (
        " [a](01_next.ipynb) [b](../README.md#how-good-it-is-results) [c](source/)"
        " [d](https://example.org/x#y)"
    )
    assert checks.links_resolve(good, place) == []
