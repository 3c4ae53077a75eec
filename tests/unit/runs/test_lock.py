"""A run folder has one writer: the second is told who the first is; what a killed one left behind is no writer."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hicra.errors import ArtifactError
from hicra.runs.lock import one_writer

HOLDER = """
import sys, time
from pathlib import Path
from hicra.runs.lock import one_writer
with one_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that writes the folder."""
    job = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert job.stdout.readline() == "held\n"
    yield job
    job.kill()
    job.wait()
    job.stdout.close()


def beside(path):
    return path.with_name(f".{path.name}.lock")


def test_the_second_writer_is_told_of_the_first(tmp_path, other):
    with (
        pytest.raises(
            ArtifactError, match=f"is being written by process {other.pid} on {socket.gethostname()}, since 20"
        ) as error,
        one_writer(tmp_path / "run"),
    ):
        pass
    assert "--resume" in error.value.fix
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with pytest.raises(ArtifactError, match="is being written"), one_writer(tmp_path / "link"):
        pass
    with one_writer(tmp_path / "elsewhere"):
        pass


def test_a_killed_writer_is_none(tmp_path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert beside(tmp_path / "run").exists()  # it could not tidy up
    with one_writer(tmp_path / "run"):
        assert json.loads(beside(tmp_path / "run").read_text())["process"] == os.getpid()
    assert not beside(tmp_path / "run").exists()


def test_the_lock_is_given_back_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), one_writer(tmp_path / "run"):
        raise RuntimeError
    with one_writer(tmp_path / "run"):
        with pytest.raises(ArtifactError, match=f"process {os.getpid()}"), one_writer(tmp_path / "run"):
            pass
        assert not (tmp_path / "run").exists()  # nothing is put into the folder
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_was_removed_meanwhile_is_not_the_lock(tmp_path, monkeypatch):
    """Whoever waits for a file that its owner then removes must lock the file that stands there now."""
    import fcntl

    file, real, calls = beside(tmp_path / "run"), fcntl.flock, []

    def flock(handle, how):
        calls.append(handle)
        if len(calls) == 1:
            file.unlink()  # its owner ends between our opening and our locking
        return real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with one_writer(tmp_path / "run"):
        assert len(calls) == 2
        assert file.exists()
        with pytest.raises(ArtifactError, match="being written"), one_writer(tmp_path / "run"):
            pass


def test_where_no_file_can_be_made_the_error_says_so(tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(ArtifactError, match="cannot be locked.*Permission denied"), one_writer(Path(tmp_path / "run")):
        pass
