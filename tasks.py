"""The commands of the project, the same on every system:  python tasks.py lab

  setup      make .venv and install cifviz in it (what stands is used again)
  align      set up, then align recordings of yours:  align me.m4a --text "What you say in it."
  lab        set up, then open the notebooks in JupyterLab
  test       set up, then run every check and every test but the long ones, the quick files first
  test-long  the long tests: lessons with other parameters, a second frontend, an hour of sound
  test-all   both
  test-machines  the tests as other machines would run them: processors, threads, load, folders
  lint       set up, then run the checks alone: style, types, layers, JavaScript where node is
  notebooks  set up, then build notebooks/*.ipynb from notebooks/source
  site       set up, then make pages of the notebooks in build/site, for any browser
  slides     set up, then make slides of the lessons in build/slides, with notes for the speaker
  browser-lesson  set up, then make lesson 01 a page that runs in a browser, in build/browser_lesson
  release    set up, then pack pages, notebooks, sources and a wheel into build/cifviz-course-*.zip
  test-peers make .venv-peers with funasr, torch-cif, simuleval in it, then run the tests with them
  bench      the same environment: time and memory beside theirs

What follows a command is handed on:  python tasks.py lab --no-browser
                                      python tasks.py test -k firing

Another PyTorch than the one pinned in constraints.txt, through the environment:

  CIFVIZ_TORCH        a version, or anything that pip can install: 2.9.1, torch>=2.9, a wheel
  CIFVIZ_TORCH_INDEX  where the wheel of PyTorch comes from; the small one without CUDA from
                      https://download.pytorch.org/whl/cpu
"""

# Standard library only, and no syntax newer than Python 3.8: this file prepares everything else,
# and it is what tells an older Python that it is too old.
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST_PYTHON = (3, 11)
FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"


class Stop(Exception):
    """Something that the reader can mend; its message is all they need to see."""


def main(arguments, version=sys.version_info):
    """Run one command and return the exit code."""
    if tuple(version[:2]) < OLDEST_PYTHON:
        message = (
            "cifviz needs Python {}.{} or newer, this is {}.{}.\n"
            "If a newer one is installed, name it: python3.12 tasks.py, or make PYTHON=python3.12"
        )
        say(message.format(*OLDEST_PYTHON, *version))
        return 1
    if not arguments or arguments[0] in ("help", "-h", "--help"):
        say(__doc__.strip())
        return 0
    command, extra = arguments[0], arguments[1:]
    if command not in COMMANDS:
        say("tasks.py knows {}; got {!r}".format(", ".join(COMMANDS), command))
        return 2
    # Consoles of Windows may know neither beta nor tau; what we start prints them all the same.
    os.environ.setdefault("PYTHONUTF8", "1")
    try:
        return COMMANDS[command](ENVIRONMENTS.get(command, setup)(), extra)
    except Stop as reason:
        say(f"\ncifviz: {reason}")
        return 1
    except KeyboardInterrupt:
        return 130


def say(text):
    """Print at once, so that our words and those of the programs we start stay in order."""
    print(text, flush=True)


# --- setup ---------------------------------------------------------------------------------------


def setup(root=ROOT, environ=os.environ, run=subprocess.call):
    """Make .venv, or use the one that stands, and return the path of its Python."""
    wanted = [["--editable", ".[dev]"]]
    return environment(".venv", ["constraints.txt"], wanted, root, environ, run, ENGLISH)


ENGLISH = ["moonshine-voice", "onnxruntime"]
"""The extra "english" of pyproject.toml, but for what "dev" has. Named here, pip need not read the
project a second time, which takes longer than these two."""
WITHOUT_ENGLISH = "Speech in open English is left out, as {}; all else works without it."


def no_english(system=sys.platform, machine=None, libc=None, macos=None):
    """Why the pretrained encoder of English has no wheel for this system; None if it has one."""
    machine = platform.machine() if machine is None else machine
    libc = platform.libc_ver() if libc is None else libc
    macos = platform.mac_ver()[0] if macos is None else macos
    if system == "linux" and machine in ("x86_64", "aarch64"):
        old = libc[0] != "glibc" or numbers(libc[1]) < (2, 34)
        return "its encoder needs glibc 2.34 or newer" if old else None
    if system == "darwin" and machine == "arm64":
        return "its encoder needs macOS 15 or newer" if numbers(macos) < (15,) else None
    if system == "win32" and machine == "AMD64":
        return None
    return f"its encoder has no wheel for {system} on {machine}"


def numbers(version):
    """The numbers of a version, to be compared; none of a text without any."""
    return tuple(int(part) for part in re.findall("[0-9]+", version))


def setup_peers(root=ROOT, environ=os.environ, run=subprocess.call):
    """Make .venv-peers, or use the one that stands, and return the path of its Python.

    The peers come without most of what they ask for: models from a hub, speech from a cloud and
    text in every script are no part of a CIF.
    """
    needed = ["--editable", ".", *PEERS_NEED]
    files = ["constraints.txt", "constraints-peers.txt"]
    return environment(".venv-peers", files, [needed, ["--no-deps", *PEERS]], root, environ, run)


PEERS = ("funasr", "torch-cif", "simuleval")
PEERS_NEED = (
    # the models of funasr, to be imported
    *("kaldiio", "librosa", "PyYAML", "requests", "six", "torch-complex"),
    # the latencies of simuleval
    *("pandas", "sacrebleu", "textgrid"),
    # other checks of notebooks, and ours
    *("nbmake", "nbval", "pytest-notebook", "beautifulsoup4", "nbconvert", "psutil"),
    # the tests
    *("hypothesis", "pytest", "pytest-timeout"),
)


def environment(name, files, wanted, root, environ, run, english=None):
    """Make a virtual environment, or use the one that stands, and return the path of its Python.

    `files` constrain the versions, each of `wanted` is a call of pip. A stamp written last says
    what was installed; without it nothing counts as installed. `english` is one more call, which
    may fail.
    """
    venv = root / name
    python = program(venv, "python")
    stamp = venv / "cifviz-installed"
    content = fingerprint(root, environ, files, wanted)
    if python.exists() and stamp.is_file() and stamp.read_text() == content:
        return python

    started = time.monotonic()
    if stamp.is_file():
        stamp.unlink()
    if not (python.exists() and run([str(python), "-c", SAME_PYTHON]) == 0):
        say(f"Making a Python environment in {name} ...")
        if run([sys.executable, "-m", "venv", "--clear", str(venv)]) != 0:
            raise Stop(
                "could not make a virtual environment (the reason is above).\n"
                "On Debian and Ubuntu its module is a package of its own: apt install python3-venv"
            )

    say("Installing cifviz and what it needs; the first time takes some minutes ...")
    constraints = [root / file for file in files]
    torch = torch_arguments(environ, constraints[0])
    if torch:
        install(python, torch, root, run)
        constraints[0] = without_torch(constraints[0], venv / "constraints-but-torch.txt")
    within = [word for file in constraints for word in ("--constraint", str(file))]
    for arguments in wanted:
        install(python, within + arguments, root, run)
    if english:
        install_english(python, within + english, root, run)
    # Every program starts sooner; pip would compile on one core. A template that is no Python,
    # such as some packages hold, is skipped.
    run([str(python), "-m", "compileall", "-qq", "-j", "0", str(venv), str(root / "cifviz")])
    stamp.write_text(content)
    say(f"Installed in {time.monotonic() - started:.0f} s.")
    return python


SAME_PYTHON = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]!r})"


def program(venv, name, system=os.name):
    """Where a virtual environment keeps a program."""
    return venv / "Scripts" / f"{name}.exe" if system == "nt" else venv / "bin" / name


def fingerprint(root, environ, files, wanted):
    """Everything that an installation depends on, in one line."""
    digest = hashlib.sha256()
    for name in ("pyproject.toml", *files):
        digest.update((root / name).read_bytes())
    torch = torch_arguments(environ, "constraints.txt")
    digest.update(repr((str(root), sys.version_info[:2], torch, wanted)).encode())
    return digest.hexdigest()


def torch_arguments(environ, constraints):
    """What pip is asked for when the reader chooses a PyTorch; nothing if they do not.

    PyTorch comes alone, without its dependencies, since its index need not have our versions of
    them; they come with the rest. It replaces one that stands: 2.13.0 with CUDA and 2.13.0
    without are the same version to pip.
    """
    wanted = environ.get("CIFVIZ_TORCH", "").strip()
    index = environ.get("CIFVIZ_TORCH_INDEX", "").strip()
    if not wanted and not index:
        return []
    if not wanted:
        what = ["torch", "--constraint", str(constraints)]
    else:
        what = [f"torch=={wanted}" if wanted[0].isdigit() else wanted]
    where = ["--index-url", index] if index else []
    return ["--no-deps", "--force-reinstall", *what, *where]


def without_torch(constraints, target):
    """Write the constraints without PyTorch, and without what some versions of it dictate."""
    lines = constraints.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not re.match(r"(torch|sympy|setuptools)==", line)]
    target.write_text("".join(kept), encoding="utf-8")
    return target


def install_english(python, arguments, root, run):
    """Install what speech in open English needs, or say why it is left out, and go on."""
    reason = no_english()
    if reason is None and pip(python, arguments, root, run) != 0:
        again = " ".join([str(python), "-m", "pip", "install", *arguments])
        reason = f"pip could not install it (try again: {again})"
    if reason:
        say(WITHOUT_ENGLISH.format(reason))


def pip(python, arguments, root, run):
    """Let pip of the environment install something, and return its exit code."""
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
    return run(command + arguments, cwd=str(root))


def install(python, arguments, root, run):
    """Run pip in the environment, or stop with words."""
    if pip(python, arguments, root, run) != 0:
        raise Stop(
            "the installation failed; what pip says is above. Usual reasons: no network, a full\n"
            "disk, or no wheel for this system. Nothing counts as installed: run the command again."
        )


# --- commands ------------------------------------------------------------------------------------


def lab(python, extra):
    """Open JupyterLab and stay until it ends."""
    process = subprocess.Popen(lab_command(python, extra), cwd=str(ROOT), env=lab_environment())
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass  # Jupyter got it too, and asks whether it is meant


def lab_command(python, extra):
    """JupyterLab with the whole clone in its file browser: notebooks, and the code behind them."""
    root = f"--ServerApp.root_dir={ROOT}"
    return [str(python), "-m", "jupyterlab", str(ROOT / FIRST_NOTEBOOK), root, *extra]


def lab_environment(environ=os.environ):
    """The environment, in which JupyterLab finds the settings of the course, too.

    It keeps the state of widgets with a notebook, so that they are there again when it is opened.
    """
    places = [str(ROOT / "notebooks" / ".jupyter"), environ.get("JUPYTER_CONFIG_PATH", "")]
    return {**environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, places))}


OLDEST_NODE = (18, 18)
"""What eslint needs."""


def checks(python):
    """The checks that run no code of ours: name and command, or why one cannot run."""
    linter = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
    return [
        ("style", [str(python), "-m", "ruff", "check"]),
        ("format", [str(python), "-m", "ruff", "format", "--check"]),
        ("types", [str(python), "-m", "mypy"]),
        ("layers", [str(python), "-c", linter]),
        ("javascript", javascript()),
    ]


def javascript(which=shutil.which, ask=subprocess.check_output):
    """The check of the explorer's JavaScript, or why it cannot run on this machine."""
    node, npm = which("node"), which("npm")
    if not (node and npm):
        return "no {}".format("npm" if node else "node")
    version = ask([node, "--version"]).decode().strip()
    if tuple(map(int, version.lstrip("v").split(".")[:2])) < OLDEST_NODE:
        return "node is {}, eslint needs {}.{}".format(version, *OLDEST_NODE)
    return [npm, "--prefix", str(ROOT / "cifviz" / "explorer"), "run", "--silent", "check"]


def lint(python, extra):
    """Run every check."""
    return run_all([], checks(python))


TESTS = ("tests", "not long", "loadfile")
LONG = ("long tests", "long", "load")
"""Stages of the tests: a name, an expression of pytest's markers (pyproject.toml), and how tests
are shared out. The tests of one file stay together, as they may share a browser or a model, and
files without a slow test come first (tests/conftest.py); the long ones are few, and most of them
stand in one file."""


def stages(python, *chosen):
    """The commands of some stages of the tests: a test at a time for each core, up to four."""
    workers = str(min(os.cpu_count() or 1, 4))
    options = ["-q", "-n", workers, "--no-loadscope-reorder"]
    options += ["--durations=10", "--durations-min=1"]
    pytest = [str(python), "-m", "pytest", *options]
    return [(name, [*pytest, "--dist", dist, "-m", marked]) for name, marked, dist in chosen]


def one_thread():
    """Let each of several processes compute on one thread, unless the reader has chosen."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def test(python, extra):
    """Run every check and the tests; `extra` goes to pytest, which then runs all that it names."""
    if extra:
        return run_all([("tests", [str(python), "-m", "pytest", *extra])], checks(python))
    one_thread()
    return run_all(stages(python, TESTS), checks(python))


def test_long(python, extra):
    """Run the tests that `test` leaves out; `extra` goes to pytest."""
    one_thread()
    return run_all([(name, command + extra) for name, command in stages(python, LONG)])


def test_all(python, extra):
    """Run every check and every test."""
    one_thread()
    return run_all(stages(python, TESTS, LONG), checks(python))


def test_machines(python, extra):
    """Run the tests as other machines would; `extra` names some of the machines."""
    return subprocess.call([str(python), "-m", "tests.machines", *extra], cwd=str(ROOT))


def test_peers(python, extra):
    """Run the tests against the packages of others; `extra` goes to pytest."""
    # The plugin of pytest-notebook warns when it is loaded, and what it runs leaves an event loop
    # open, which is told at the end; both would be errors here.
    open_loop = "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"
    options = ["-p", "no:nb_regression", "-W", open_loop]
    command = [str(python), "-m", "pytest", *options, "tests/peers", *extra]
    return subprocess.call(command, cwd=str(ROOT))


def bench(python, extra):
    """Measure time and memory beside the packages of others, on one thread."""
    return subprocess.call(
        [str(python), "-m", "benchmarks", *extra],
        cwd=str(ROOT),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def align(python, extra):
    """Align recordings in the folder that the reader is in; `extra` goes to cifviz align."""
    cifviz = str(program(ROOT / ".venv", "cifviz"))
    return subprocess.call([cifviz, "align", "--model", "english", *extra])


def notebooks(action):
    """A command that builds the notebooks, or something of them."""

    def command(python, extra):
        cifviz = str(program(ROOT / ".venv", "cifviz"))
        return subprocess.call([cifviz, "notebooks", action, *extra], cwd=str(ROOT))

    return command


CANNOT_RUN = 77
"""Exit code of a check whose programs cannot be had here, such as npm packages without a network;
cifviz/explorer/install.mjs ends with it."""


def run_all(steps, checks=(), run=subprocess.run):
    """Run every step, whatever the others do, report, and return the first exit code but 0.

    A step is a name and a command, or a name and why it cannot run. A command that ends with
    `CANNOT_RUN` has said so itself. `checks` are steps that come first, as many at a time as there
    are cores; what one prints is shown when it has ended.
    """
    report, first_failure = [], 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        started = {
            name: pool.submit(timed, command, run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for name, command in checks
            if not isinstance(command, str)
        }
        for name, command in [*checks, *steps]:
            if isinstance(command, str):
                report.append(f"{name:12}{'':11} not run: {command}")
                continue
            say(f"\n=== {name}")
            if name in started:
                done, seconds = started[name].result()
                say(done.stdout.decode(errors="replace").rstrip())
            else:
                done, seconds = timed(command, run)
            code = done.returncode
            verdict = {0: "passed", CANNOT_RUN: "not run: see above"}.get(code, f"FAILED ({code})")
            report.append(f"{name:12}{seconds:8.1f} s   {verdict}")
            first_failure = first_failure or (code if code != CANNOT_RUN else 0)
    say("\n" + "\n".join(report))
    return first_failure


def timed(command, run, **options):
    """Run a command in this folder; what `run` returns, and the seconds it took."""
    started = time.monotonic()
    done = run(command, cwd=str(ROOT), **options)
    return done, time.monotonic() - started


COMMANDS = {
    "setup": lambda python, extra: 0,
    "align": align,
    "lab": lab,
    "test": test,
    "test-long": test_long,
    "test-all": test_all,
    "test-machines": test_machines,
    "lint": lint,
    "notebooks": notebooks("build"),
    "site": notebooks("site"),
    "slides": notebooks("slides"),
    "browser-lesson": notebooks("browser-lesson"),
    "release": notebooks("release"),
    "test-peers": test_peers,
    "bench": bench,
}
ENVIRONMENTS = {"test-peers": setup_peers, "bench": setup_peers}
"""Commands that run in another environment than .venv."""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
