"""What a wheel carries works where there is no clone."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds the contents of the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    build = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(ROOT)], capture_output=True, text=True
    )
    assert build.returncode == 0, build.stdout + build.stderr
    (wheel,) = folder.glob("cifviz-*.whl")
    target = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


def run_outside(installed, script):
    """Run Python with the unpacked wheel first on its path, away from the clone."""
    environ = {**os.environ, "PYTHONPATH": str(installed)}
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=installed.parent,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_the_wheel_holds_the_package_and_its_data_alone(installed):
    package, metadata = sorted(path.name for path in installed.iterdir())
    assert package == "cifviz" and metadata.startswith("cifviz-"), "experiments stay in the clone"
    assert (installed / "cifviz/_data/README.md").is_file(), "the licences of the data"
    for name in ("clips", "recordings", "classroom", "checkpoints", "results"):
        shipped = {path.name for path in (installed / "cifviz/_data" / name).glob("*")}
        assert shipped == {path.name for path in (ROOT / "data" / name).glob("*")}


def test_clips_are_found_in_the_wheel(installed):
    script = "import cifviz.resources as r; print(r.__file__); print(r.resource('clips'))"
    module, clips = map(Path, run_outside(installed, script).splitlines())
    assert module.is_relative_to(installed), "the clone answered, not the wheel"
    assert clips == installed / "cifviz/_data/clips"
    assert any(clips.iterdir())


def test_the_wheel_hears_what_a_bundled_clip_says(installed):
    script = """
import cifviz
print(cifviz.__file__)
clip = cifviz.load_clip("digits_four")
print(*clip.tokens)
print(*cifviz.load_model("digits").transcribe(clip.waveform).tokens)
"""
    module, reference, hypothesis = run_outside(installed, script).splitlines()
    assert Path(module).is_relative_to(installed), "the clone answered, not the wheel"
    assert len(reference.split()) == 4
    assert hypothesis == reference


@pytest.mark.long
def test_lessons_read_published_results_from_the_wheel(installed):
    script = """
from cifviz import published
from cifviz.resources import resource
folder = resource("results")
print(len(published.read_results(folder)), len(published.read_token_widths(folder)))
print(published.best_thresholds(published.read_tail_sweep(folder)["runs"], "dev"))
print(len(published.verdict(published.read_robustness_comparison(folder))))
"""
    runs, thresholds, claims = run_outside(installed, script).splitlines()
    assert all(int(count) > 0 for count in runs.split())
    assert thresholds.startswith("[0.") and claims == "6"


@pytest.mark.long
def test_the_wheel_explores_without_node(installed, tmp_path):
    script = f"""
import cifviz
transcription = cifviz.load_model("digits").transcribe(cifviz.load_clip("digits_two").waveform)
explorer = cifviz.explore(transcription)
print(len(str(explorer._esm)), explorer.to_html({str(tmp_path / "two.html")!r}))
"""
    script_size, page = run_outside(installed, script).split(maxsplit=1)
    assert int(script_size) > 20_000
    assert 'id="cifviz-data"' in Path(page).read_text("utf-8")


def test_the_wheel_says_which_part_is_under_which_licence(installed):
    (metadata,) = installed.glob("cifviz-*.dist-info")
    lines = (metadata / "METADATA").read_text(encoding="utf-8").splitlines()
    (expression,) = [line for line in lines if line.startswith("License-Expression:")]
    assert set(expression.split()[1:]) - {"AND"} == {"MIT", "CC-BY-SA-4.0", "CC-BY-4.0"}
    for name in (
        "LICENSE",
        "data/README.md",
        "data/clips/LICENSE.txt",
        "data/recordings/LICENSE.txt",
        "data/classroom/LICENSE.txt",
    ):
        kept = metadata / "licenses" / name
        assert kept.read_bytes() == (ROOT / name).read_bytes()
