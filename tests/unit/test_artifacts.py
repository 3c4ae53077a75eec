"""Atomic writes leave the old file or the new one; one rule says what may be written where."""

import errno
import math
import os
from pathlib import Path

import numpy as np
import pytest

from hicra import artifacts
from hicra.artifacts import atomic_dir, atomic_file, check_output, new_dir, read_json, writes
from hicra.errors import ArtifactError, ConfigError, FileError, system_error


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.txt"
    artifacts.write_text(path, "old")

    def half():
        with artifacts.atomic_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_a_failed_folder_is_not_there(tmp_path):
    def half():
        with artifacts.atomic_dir(tmp_path / "folder") as temporary:
            (temporary / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert list(tmp_path.iterdir()) == []


def test_json_has_no_nan_and_does_not_depend_on_order():
    value = {"b": math.nan, "a": [np.float32(0.5), {"c": math.inf}], "d": np.int64(3)}
    text = artifacts.canonical_json(value, indent=None)
    assert text == '{"a": [0.5, {"c": null}], "b": null, "d": 3}\n'
    assert artifacts.canonical_json(dict(reversed(value.items())), indent=None) == text


def test_json_has_no_number_that_is_none_and_no_minus_zero():
    value = {"a": [np.float64(-0.0), math.nan], "b": (-math.inf, -0.5, np.int64(3)), "c": {"d": -0.0}, "e": True}
    assert artifacts.canonical_json(value, indent=None).strip() == (
        '{"a": [0.0, null], "b": [null, -0.5, 3], "c": {"d": 0.0}, "e": true}'
    )


# ---- replacing a folder
def full(folder, **files):
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("one_call", [True, False])
def test_a_folder_is_replaced_whole(tmp_path, monkeypatch, one_call):
    if not one_call:  # a file system without the exchange of two names
        monkeypatch.setattr(artifacts.ctypes, "CDLL", lambda name: object())
    path = full(tmp_path / "out", old="1", kept="2")
    with atomic_dir(path, overwrite=True) as made:
        (made / "new").write_text("3")
        assert sorted(os.listdir(path)) == ["kept", "old"]
    assert os.listdir(path) == ["new"]
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("one_call", [True, False])
def test_a_failed_replacement_leaves_the_old_folder(tmp_path, monkeypatch, one_call):
    if not one_call:
        monkeypatch.setattr(artifacts.ctypes, "CDLL", lambda name: object())
    path = full(tmp_path / "out", old="1")
    with pytest.raises(RuntimeError), atomic_dir(path, overwrite=True):
        raise RuntimeError
    assert (path / "old").read_text() == "1"
    if not one_call:
        rename = os.rename
        calls = []

        def second_fails(source, target):
            calls.append(target)
            if len(calls) == 2:
                raise OSError(errno.EIO, "Input/output error")
            rename(source, target)

        monkeypatch.setattr(os, "rename", second_fails)
        with pytest.raises(FileError, match="out cannot be written"), atomic_dir(path, overwrite=True):
            pass
        assert (path / "old").read_text() == "1"
    assert os.listdir(tmp_path) == ["out"]


def test_a_folder_that_is_there_is_not_replaced_without_overwrite(tmp_path):
    path = full(tmp_path / "out", old="1")
    with pytest.raises(FileError, match="out cannot be written: Directory not empty"), atomic_dir(path):
        pass
    assert os.listdir(path) == ["old"]


def test_a_folder_to_fill_is_itself_or_a_replacement(tmp_path):
    with new_dir(tmp_path / "a") as made:
        assert made == tmp_path / "a"
    path = full(tmp_path / "b", old="1")
    with new_dir(path) as made:
        assert made == path
    with new_dir(path, overwrite=True) as made:
        assert made != path
        (made / "new").write_text("2")
    assert os.listdir(path) == ["new"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    artifacts.write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


# ---- what the system refuses
def test_the_error_names_the_file_and_what_to_do(tmp_path):
    path = tmp_path / "file" / "out.txt"
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match=r"file/out\.txt cannot be written: ") as error:
        artifacts.write_text(path, "y")
    assert "each part but the last must be a folder" in error.value.fix
    other = OSError(errno.EACCES, "Permission denied", str(tmp_path / "other"))
    with pytest.raises(FileError, match=r"/other: Permission denied\n"), writes(path):
        raise other
    with (
        pytest.raises(FileError, match=r"out\.txt cannot be written: No space left"),
        atomic_file(tmp_path / "out.txt"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(BrokenPipeError), writes(path):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    with pytest.raises(KeyError), writes(path):
        raise KeyError("no word of the system")


def test_what_libraries_say_of_the_system():
    class ComputeError(Exception):
        """As polars raises it."""

    assert system_error(ComputeError("No space left on device (os error 28)")).errno == errno.ENOSPC
    torch = "[enforce fail at inline_container.cc:672] . unexpected pos 1483584 vs 1483476"
    assert system_error(RuntimeError(torch)).errno == errno.ENOSPC
    assert system_error(RuntimeError("size mismatch")) is None
    assert system_error(ValueError(torch)) is None
    assert system_error(OSError("no number")).errno is None


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a": ' + "1" * 5000 + "}"])
def test_a_file_that_is_no_json(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"a\.json is not readable JSON"):
        read_json(path, "make it again")
    path.write_bytes(b"\xff")
    with pytest.raises(ArtifactError, match=r"a\.json is not readable JSON"):
        read_json(path, "make it again")
    with pytest.raises(FileError, match="gone cannot be read: No such file"):
        read_json(tmp_path / "gone", "make it again")


# ---- the rule for outputs
def test_what_may_be_written(tmp_path):
    (tmp_path / "empty").mkdir()
    check_output(tmp_path / "empty", "the run", folder=True)
    check_output(tmp_path / "a" / "b" / "new", "the run", folder=True)
    check_output(tmp_path / "new.txt", "the list", inputs=[None, "", "paper", tmp_path / "gone"])
    check_output(full(tmp_path / "old", a="1"), "the run", folder=True, overwrite=True)
    (tmp_path / "link").symlink_to("old")
    check_output(tmp_path / "link" / "new.txt", "the list")


def refuses(match, path, **given):
    with pytest.raises(ArtifactError, match=match) as error:
        check_output(path, "the run", **given)
    return error.value.fix


def test_what_exists_is_refused(tmp_path):
    path = full(tmp_path / "old", a="1")
    assert refuses("the run .*old already exists", path, folder=True).startswith("replace it by --overwrite")
    assert refuses("already exists", path, folder=True, resume=True).startswith("go on with it by --resume")
    assert refuses("already exists", path / "a") == "replace it by --overwrite, or choose another -o"
    for overwrite in (False, True):
        assert refuses("is a folder", path, overwrite=overwrite) == "name a file for -o"
        assert refuses("is a file", path / "a", folder=True, overwrite=overwrite) == "name a folder for -o"
        refuses("is neither a file nor a folder", Path("/dev/null"), overwrite=overwrite)


def test_where_a_script_names_the_output_the_fix_speaks_of_its_field(tmp_path):
    path = full(tmp_path / "old", a="1")
    (tmp_path / "gone").symlink_to("nowhere")
    script = {"option": "run_dir", "replaces": False, "folder": True}
    assert refuses("already exists", path, **script) == "remove it, or choose another run_dir"
    assert refuses("is a file", path / "a", **script) == "name a folder for run_dir"
    assert refuses("is no folder", path / "a" / "run", **script) == "choose another run_dir"
    assert refuses("is a link", tmp_path / "gone", **script) == "remove the link, or choose another run_dir"
    assert refuses("replace the input", path, inputs=[path], **script) == "choose another run_dir"


def test_no_input_is_replaced(tmp_path):
    data = full(tmp_path / "data", rows="1")
    (tmp_path / "link").symlink_to(data / "rows")
    for path, folder, given in (
        (data / "rows", False, data / "rows"),
        (data / "rows", False, tmp_path / "link"),
        (tmp_path / "link", False, data / "rows"),
        (data, True, data / "rows"),
        (tmp_path, True, data),
        (data / "rows", False, data),  # it is part of the folder that is read
    ):
        assert (
            refuses("would replace the input", path, folder=folder, overwrite=True, inputs=[given])
            == "choose another -o"
        )
    check_output(data / "out", "the run", folder=True, inputs=[data])  # beside what is read


@pytest.mark.parametrize("home", [True, False])
def test_the_working_folder_is_not_replaced(tmp_path, monkeypatch, home):
    inside = full(tmp_path / "here", a="1")
    if home:
        monkeypatch.setenv("HOME", str(inside))
    else:
        monkeypatch.chdir(inside)
    for path in (inside, tmp_path):
        refuses(f"holds .*{inside.name}", path, folder=True, overwrite=True)


def test_links_to_nothing_and_files_in_the_way(tmp_path):
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "dangling", tmp_path / "dangling" / "a" / "b"):
        assert "remove the link" in refuses(f"dangling is a link to {tmp_path / 'gone'}, which is not there", path)
    refuses(f"{tmp_path / 'file'} is no folder", tmp_path / "file" / "a" / "b")


def test_resume_and_overwrite_exclude_each_other():
    artifacts.refuse_both(True, False)
    artifacts.refuse_both(False, True)
    with pytest.raises(ConfigError, match="resume goes on with what overwrite would replace"):
        artifacts.refuse_both(True, True)


# ---- names and neighbours
def test_an_ending_that_is_not_one_of_the_outputs_is_refused(tmp_path):
    """So a page never replaces the weights of a model, whatever --overwrite says."""
    weights = tmp_path / "model.safetensors"
    weights.write_text("x")
    fix = refuses(r"unknown ending '\.safetensors'", weights, overwrite=True, endings=(".html", ".htm"))
    assert fix == "use .html or .htm"
    check_output(tmp_path / "page.HTML", "the report", endings=(".html", ".htm"))


def test_what_another_process_wrote_meanwhile_stays(tmp_path):
    path = tmp_path / "out.txt"

    def late():
        with atomic_file(path, overwrite=False) as made:
            made.write_text("mine")
            path.write_text("theirs")

    with pytest.raises(FileError, match=r"out\.txt cannot be written: File exists"):
        late()
    assert path.read_text() == "theirs"
    assert os.listdir(tmp_path) == ["out.txt"]
    with atomic_file(tmp_path / "new.txt", overwrite=False) as made:
        made.write_text("mine")
    assert (tmp_path / "new.txt").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["new.txt", "out.txt"]
