"""Finds what ships, reads what users name, writes files: whole, all or none, in place of no other.

Everything that writes a file under a name that a user gave does it with `writing` or
`write_atomically`, so that one set of rules holds for all of them: see `check_target`.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cifviz.errors import CIFError, DataError, require, shown

_PACKAGE = Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """The folder `name` ("clips", "checkpoints" …) that ships with the library.

    A wheel carries it inside the package, in ``cifviz/_data``; a clone or an editable install keeps
    it beside the package, in ``data``.

    Raises
    ------
    DataError
        If it is in neither place.

    Examples
    --------
    >>> resource("clips").name
    'clips'
    """
    places = [_PACKAGE / "_data" / name, _PACKAGE.parent / "data" / name]
    for place in places:
        if place.is_dir():
            return place
    looked = " nor ".join(str(place) for place in places)
    raise DataError(f"expected the folder {name!r} that ships with cifviz, found neither {looked}")


def read_file(
    path: str | Path, what: str, error: type[CIFError] = DataError, *, at_most: int | None = None
) -> bytes:
    """Read a file that a user names: its content, or one error.

    Parameters
    ----------
    path : str or Path
        The file. Folders, pipes and devices are refused without being opened.
    what : str
        What it should be ("TextGrid"), for messages.
    error : type of CIFError
        What to raise.
    at_most : int, optional
        Size that it may have, in bytes; no more is read.

    Raises
    ------
    CIFError
        Of the type `error`, if there is no such file, it cannot be read or it is larger.

    Examples
    --------
    >>> read_file("nowhere.TextGrid", "TextGrid")
    Traceback (most recent call last):
    ...
    cifviz.errors.DataError: no such TextGrid: nowhere.TextGrid
    """
    if not isinstance(path, str | os.PathLike):
        raise error(f"expected the path of a {what}, got {shown(path)}")
    path = Path(path)
    try:
        is_file, is_there = path.is_file(), path.exists()
        require(is_file or not is_there, f"expected a {what}, {path} is not a file", error)
        require(is_file, f"no such {what}: {path}", error)
        with path.open("rb") as file:
            content = file.read() if at_most is None else file.read(at_most + 1)
    except OSError as problem:
        raise error(f"cannot read the {what} {path}: {problem.strerror}") from problem
    require(
        at_most is None or len(content) <= at_most,
        f"the {what} {path} is larger than {at_most} bytes",
        error,
    )
    return content


class Inputs:
    """Files and folders that are only read, recognised whatever name they are reached by.

    A link, a hard link, another spelling on a file system that ignores case: two names are of one
    file if the system says so, as in `os.path.samefile`.

    Parameters
    ----------
    paths : iterable of str or Path
        What does not exist is passed over. A folder stands for everything in it.

    Examples
    --------
    >>> resource("clips") / "new.png" in Inputs([resource("clips")])
    True
    """

    def __init__(self, paths: Iterable[str | Path] = ()):
        self._files: set[tuple[int, int]] = set()
        self._folders: set[tuple[int, int]] = set()
        for path in paths:
            self.add(path)

    def add(self, path: str | Path) -> None:
        """Take one more."""
        try:
            found = os.stat(path)
        except (OSError, ValueError):  # not there, or no path at all: then nothing can replace it
            return
        known = self._folders if stat.S_ISDIR(found.st_mode) else self._files
        known.add((found.st_dev, found.st_ino))

    def __contains__(self, path: str | Path) -> bool:
        if self._identity(path) in self._files:
            return True
        folder = Path(os.path.realpath(os.path.dirname(os.path.abspath(path))))
        around = (path, folder, *folder.parents) if self._folders else ()
        return any(self._identity(place) in self._folders for place in around)

    @staticmethod
    def _identity(path: str | Path) -> tuple[int, int] | None:
        try:
            found = os.stat(path)
        except OSError:
            return None
        return found.st_dev, found.st_ino


def read_text(path: str | Path, what: str, *, at_most: int | None = None) -> str:
    r"""Read a text file in UTF-8 that a user names, with or without a byte order mark.

    Parameters
    ----------
    path, what, at_most
        As for `read_file`.

    Raises
    ------
    DataError
        As of `read_file`, or if it is not UTF-8 or has NULs, as files in UTF-16 have.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder, "names.txt")
    ...     _ = file.write_bytes(b"\xef\xbb\xbfyes")
    ...     read_text(file, "list of phrases")
    'yes'
    """
    data = read_file(path, what, at_most=at_most)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the {what} {path} must be UTF-8 text, it is not from byte {error.start} on"
        ) from error
    if "\0" in text:
        raise DataError(f"the {what} {path} must be text, it has NULs")
    return text


def check_target(
    path: str | Path,
    *,
    overwrite: bool = False,
    inputs: Inputs | None = None,
    in_folder: bool = False,
) -> None:
    """Raise unless a file may be written under a name.

    Parameters
    ----------
    path : str or Path
        Where a file shall be. It may be missing, and so may its folder.
    overwrite : bool
        Whether a regular file that stands there may be replaced.
    inputs : Inputs, optional
        What is only read, and so is never replaced.
    in_folder : bool
        Whether the folder must be there already, as `writing` will want it: known before the work.

    Raises
    ------
    DataError
        If something stands there that may not be replaced: a file without `overwrite`, one that is
        write-protected or among `inputs`; with or without it a folder, a symbolic link wherever it
        leads, a device, a FIFO or a socket. Also if the system takes no such name.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     check_target(Path(folder) / "a.png")
    ...     check_target(folder, overwrite=True)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    cifviz.errors.DataError: ... is a folder: a file cannot take its place
    """
    if not isinstance(path, str | os.PathLike):
        raise DataError(f"expected the path of a file to write, got {shown(path)}")
    path = Path(path)
    if in_folder:
        _require_folder(path)
    found: os.stat_result | None = None
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise _cannot_write(path, error) from error
    protected = inputs is not None and path in inputs
    require(
        not protected,
        f"{path} is never replaced: it is an input, in one, or just written",
        DataError,
    )
    if found is None:
        return
    kind = stat.S_IFMT(found.st_mode)
    require(kind != stat.S_IFDIR, f"{path} is a folder: a file cannot take its place", DataError)
    require(
        kind != stat.S_IFLNK,
        f"{path} is a symbolic link, which is neither replaced nor written through",
        DataError,
    )
    require(
        kind == stat.S_IFREG,
        f"{path} is no regular file (a device, FIFO or socket), and is left alone",
        DataError,
    )
    require(overwrite, _exists(path), DataError)
    writable = found.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    require(
        bool(writable) and os.access(path, os.W_OK),
        f"{path} is write-protected, and is left as it is",
        DataError,
    )


def _require_folder(path: Path) -> None:
    require(os.path.isdir(path.parent), f"no such folder to write in: {path.parent}", DataError)


@contextmanager
def writing(
    paths: Iterable[str | Path], *, overwrite: bool = False, inputs: Inputs | None = None
) -> Iterator[list[Path]]:
    """Write several files, all or none.

    Parameters
    ----------
    paths : iterable of str or Path
        Where the files shall be, in folders that exist.
    overwrite : bool
        Whether files that stand there may be replaced.
    inputs : Inputs, optional
        What is only read, and so is never replaced.

    Yields
    ------
    list of Path
        Where to write each of them in the meantime: hidden, in the same folder, under the same name
        (some libraries choose the format by it). At the end of the block all are put in place; if
        anything fails before the last is, what stood there stands there again and nothing new does.

    Raises
    ------
    DataError
        Before the block is entered and again at its end, if `check_target` refuses one of them; if
        a folder does not exist, or the system refuses to write there.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     targets = [Path(folder) / "a.txt", Path(folder) / "a.json"]
    ...     with writing(targets) as (text, data):
    ...         text.write_text("one")
    ...         data.write_text("{}")
    ...     sorted(os.listdir(folder))
    3
    2
    ['a.json', 'a.txt']
    """
    targets = [Path(path) for path in paths]
    for target in targets:
        _require_folder(target)
        check_target(target, overwrite=overwrite, inputs=inputs)
    with ExitStack() as stack:
        asides = [_Aside(target) for target in targets]
        for aside in asides:
            stack.callback(aside.clear)
            aside.make()
        try:
            yield [aside.new for aside in asides]
        except CIFError as error:  # names what a writer was given, nothing that a user knows
            text = str(error)
            for aside in asides:
                text = text.replace(str(aside.new), str(aside.target))
            error.args = (text,)
            raise
        for target in targets:  # much may have happened since
            check_target(target, overwrite=overwrite, inputs=inputs)
        try:
            for aside in asides:
                aside.put(overwrite=overwrite, last=aside is asides[-1])
        except BaseException as error:
            lost = [aside for aside in reversed(asides) if not aside.take_back()]
            if lost:
                where = ", ".join(f"{aside.target} is {aside.old} now" for aside in lost)
                raise DataError(f"cannot undo what failed ({error}): {where}") from error
            raise


def write_atomically(
    path: str | Path,
    writer: Callable[[Path], object],
    *,
    overwrite: bool = False,
    inputs: Inputs | None = None,
) -> Path:
    """Let `writer` write a file beside `path`, then put it in place in one step: `writing` of one.

    Parameters
    ----------
    path : str or Path
        Where the file shall be; its folder exists.
    writer : callable
        Given the path of the temporary file, writes it.
    overwrite : bool
        Whether a file that stands there may be replaced.
    inputs : Inputs, optional
        What is only read, and so is never replaced.

    Returns
    -------
    Path
        `path`. If `writer` raises, an older file there is untouched and nothing new is left behind.

    Raises
    ------
    DataError
        As `writing` does.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_atomically(Path(folder) / "a.txt", lambda part: part.write_bytes(b"b"))
    ...     path.read_text()
    'b'
    """
    with writing([path], overwrite=overwrite, inputs=inputs) as (part,):
        writer(part)
    return Path(path)


class _Aside:
    """A hidden folder beside a target, for the new file, and a name for the one it replaces."""

    def __init__(self, target: Path):
        self.target = target
        self.new = self.old = target
        self.created: os.stat_result | None = None
        """The new file, if nothing stood in its place."""
        self.lost = False
        """Whether the old file could not be put back."""

    def make(self) -> None:
        """Make the folder."""
        try:
            self.new = Path(
                tempfile.mkdtemp(prefix=".cifviz-", dir=self.target.parent), self.target.name
            )
        except OSError as error:
            raise _cannot_write(self.target, error) from error
        self.old = Path(f"{self.new.parent}-old")

    def put(self, *, overwrite: bool, last: bool) -> None:
        """Put the new file in place; what stood there is kept, until the `last` one is in place."""
        try:
            if overwrite and os.path.lexists(self.target):
                shutil.copymode(self.target, self.new)  # who may read it is not ours to change
                _keep(self.target, self.old, move=not last)
                os.replace(self.new, self.target)
            else:
                self.created = os.lstat(self.new)
                _create(self.new, self.target)
        except OSError as error:
            raise _cannot_write(self.target, error) from error

    def take_back(self) -> bool:
        """Undo `put`, however far it came; False if it cannot be undone."""
        try:
            if self.old.exists():
                if not self._stands():
                    os.replace(self.old, self.target)
            elif self.created and os.path.samestat(self.created, os.lstat(self.target)):
                self.target.unlink()
        except FileNotFoundError:  # it came not that far
            pass
        except OSError:
            self.lost = True
        return not self.lost

    def _stands(self) -> bool:
        """Whether the old file has never left its place."""
        return self.target.exists() and os.path.samefile(self.old, self.target)

    def clear(self) -> None:
        """Remove all that is hidden, but for an old file that could not be put back."""
        if self.new == self.target:  # nothing was made
            return
        try:
            self._remove()
        except BaseException:  # told to end in the midst of it
            self._remove()
            raise

    def _remove(self) -> None:
        if self.new.parent.exists():
            shutil.rmtree(self.new.parent)
        if not self.lost:
            self.old.unlink(missing_ok=True)


def _keep(path: Path, old: Path, *, move: bool) -> None:
    """Give a file a second name; where there are no links, another one, if it may `move`."""
    try:
        os.link(path, old)
    except OSError:
        if move:
            os.replace(path, old)


def _create(part: Path, path: Path) -> None:
    """Put a file in place where there is none, though one may appear at any moment."""
    try:
        os.link(part, path)
    except FileExistsError as error:
        raise DataError(_exists(path)) from error
    except OSError:  # no links here: take the name first
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError as error:
            raise DataError(_exists(path)) from error
        try:
            os.replace(part, path)
        except BaseException:
            path.unlink()
            raise


def _exists(path: Path) -> str:
    return f"{path} exists; --overwrite (in Python overwrite=True) replaces it"


def _cannot_write(path: Path, error: OSError | ValueError) -> DataError:
    reason = error.strerror if isinstance(error, OSError) else None
    return DataError(f"cannot write {path}: {reason or error}")
