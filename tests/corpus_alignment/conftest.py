import shutil

import pytest

from cifviz.resources import resource


@pytest.fixture(scope="session")
def client():
    """A Dask cluster of one thread in this process."""
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as connected,
    ):
        yield connected


def copy_clips(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(resource("clips") / f"digits_{name}.flac", folder / f"{name}.flac")


@pytest.fixture
def source(tmp_path):
    """A folder with two sounds, one with its transcript, an empty and a damaged one."""
    folder = tmp_path / "source"
    copy_clips(folder, ["two", "three"])
    (folder / "three.txt").write_text("three one four\n")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "damaged.flac").write_bytes(b"fLaC and nothing else")
    return folder


def files_in(folder):
    """The content of each file below a folder, by its path there."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
