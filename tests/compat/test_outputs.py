"""One rule for outputs in every verb: what exists is refused, --overwrite replaces it and never an input, and what the file
system refuses is one line and one JSON object, with nothing half-written."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from hicra import artifacts, cli
from verb_calls import FOLDERS, NO_FILES, READERS, SUFFIXES, WRITERS, call, refused, write_inputs

pytestmark = pytest.mark.slow  # a walk over every verb

TRAINS = {"train", "demo"}
RESUMED = ("eval", "signal")
OF_RUNS = ("report", "export")  # their input is a run folder, which is made first
READ_ONLY = {
    "watch", "view", "corpus inspect", "lexicon show", "lexicon diff", "lexicon score", "lexicon agree", "lexicon push",
}  # fmt: skip


def marked(verbs):
    return [pytest.param(verb, marks=pytest.mark.slow) if verb in TRAINS else verb for verb in verbs]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    write_inputs(work)
    return work


def words_of(verb, out):
    if verb in OF_RUNS and not os.path.exists("run"):
        assert call("diagnose", "rows.jsonl", "-o", "run").code == 0
    if verb == "train":
        pytest.importorskip("trl")
    return [*verb.split(), *(str(out) if word == "OUT" else word for word in WRITERS[verb].split())]


def output(verb, folder):
    return folder / f"out{SUFFIXES.get(verb, '')}"


def hidden(folder):
    return [path.name for path in folder.rglob("*") if path.name.startswith((".tmp", "tmp"))]


def test_every_verb_is_walked():
    assert set(cli.VERBS) == {*WRITERS, *READ_ONLY, *NO_FILES} == {*READERS, *NO_FILES, "demo"}
    assert set(WRITERS) == {*FOLDERS, *SUFFIXES}


@pytest.mark.parametrize("verb", marked(WRITERS))
def test_what_exists_is_refused(verb, folder):
    out = output(verb, folder)
    words = words_of(verb, out)
    if verb in FOLDERS:
        out.mkdir()
    kept = out / "kept" if verb in FOLDERS else out
    kept.write_text("mine")
    answer = call(*words)
    refused(answer, out, "already exists")
    assert "--overwrite" in answer.printed["fix"]
    assert kept.read_text() == "mine"


@pytest.mark.parametrize("verb", [verb for verb in WRITERS if verb not in TRAINS])
def test_overwrite_replaces_it(verb, folder):
    out = output(verb, folder)
    words = words_of(verb, out)
    if verb in FOLDERS:
        out.mkdir()
        (out / "kept").write_text("mine")
    else:
        out.write_text("mine")
    answer = call(*words, "--overwrite")
    assert answer.code == 0, answer
    assert not (out / "kept").exists()
    assert out.is_dir() or out.read_text() != "mine"
    assert hidden(folder) == []


@pytest.mark.parametrize("verb", [verb for verb in WRITERS if verb not in TRAINS])
def test_an_input_is_never_replaced(verb, folder):
    words = words_of(verb, "OUT")
    inputs = {
        "eval": "rows.jsonl",
        "signal": "plans.txt",
        "compare": "table.csv",
        **dict.fromkeys(OF_RUNS, "run/metrics.jsonl"),
    }
    source = folder / inputs.get(verb, WRITERS[verb].split()[0])
    before = source.read_bytes()
    (folder / "link").symlink_to(source)
    for name in (source, folder / "link"):
        refused(call(*(name if word == "OUT" else word for word in words), "--overwrite"))
        assert source.read_bytes() == before
    if verb in FOLDERS:  # nor is the folder that holds the input
        refused(call(*(folder if word == "OUT" else word for word in words), "--overwrite"), folder)
        assert source.read_bytes() == before


@pytest.mark.parametrize("verb", marked(WRITERS))
def test_a_place_that_cannot_be(verb, folder):
    (folder / "dangling").symlink_to(folder / "gone" / "away")
    (folder / "file").write_text("x")
    for above, said in (("dangling", "is a link to"), ("file", "is no folder")):
        refused(call(*words_of(verb, folder / above / "out.jsonl")), folder / above, said)
    (folder / "out").symlink_to(folder / "gone")
    refused(call(*words_of(verb, folder / "out")), folder / "out", "is a link to")


@pytest.mark.parametrize("verb", marked(WRITERS))
def test_a_read_only_folder(verb, folder, monkeypatch):
    closed = folder / "closed"
    words = words_of(verb, closed / output(verb, folder).name)
    closed.mkdir()
    closed.chmod(0o500)
    if os.geteuid() == 0:  # root may write everywhere
        access = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
    refused(call(*words), closed, "read-only")
    assert list(closed.iterdir()) == []


@pytest.mark.parametrize("verb", [verb for verb in WRITERS if verb not in TRAINS])
@pytest.mark.parametrize("largest", [0, 100])
def test_a_full_disk(verb, folder, largest):
    out = output(verb, folder)
    answer = call(*words_of(verb, out), largest=largest)
    refused(answer, out.name, "File too large")
    assert "make room" in answer.printed["fix"]
    assert hidden(folder) == []
    assert not out.exists() or (out.is_dir() and verb in RESUMED)
    words = [*words_of(verb, out), *(["--resume"] if verb in RESUMED else [])] if verb not in OF_RUNS else None
    if words:  # with room again, nothing is in the way
        assert call(*words).code == 0


def contents(path):
    """Returns what lies at a path: the bytes of each file by its place."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


POINTS = [
    (os, "fsync"), (os, "replace"), (os, "rename"), (os, "link"), (artifacts, "_exchange"), (Path, "write_text"),
    (pl.DataFrame, "write_parquet"), (pl.LazyFrame, "sink_parquet"),
]  # fmt: skip


@pytest.mark.parametrize("verb", [verb for verb in WRITERS if verb not in TRAINS])
def test_a_disk_that_is_full_at_any_point_of_the_writing_keeps_the_old_output(verb, folder, monkeypatch):
    """What is filled bit by bit replaces the old output with its first file; the rest is then gone on with by --resume."""
    out = output(verb, folder)
    words = words_of(verb, out)
    assert call(*words).code == 0
    reached = []
    for owner, name in POINTS:
        old = contents(out)

        def full(*given, point=name, **settings):
            reached.append(point)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            answer = call(*words, "--overwrite")
        if reached[-1:] == [name]:
            refused(answer, out.name, "No space left on device")
            assert "make room" in answer.printed["fix"]
            kept = contents(out) == old
            assert kept or (verb in RESUMED and call(*words, "--resume").code == 0), name
        else:
            assert answer.code == 0, answer
        assert hidden(folder) == [], name
    assert reached


@pytest.mark.parametrize("words", ["tag rows.jsonl -o out.parquet", "tag rows.jsonl -o out.jsonl --workers 2"])
def test_a_full_disk_seen_by_other_processes_and_libraries(words, folder):
    refused(call(*words.split(), largest=100), words.split()[3], "File too large")
    assert hidden(folder) == []


PROGRAM = [sys.executable, "-c", "from hicra.cli import main; main()", "lexicon", "show", "paper", "--most", "200"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
@pytest.mark.parametrize("json_too", [[], ["--json"]])
def test_a_full_disk_under_stdout(json_too):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*PROGRAM, *json_too], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output cannot be written: No space left on device\n  fix: make room")
    assert done.stderr.count("\n") == 2


def test_a_closed_stdout_and_a_reader_that_has_gone():
    closed = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *PROGRAM], capture_output=True, text=True, check=False)
    assert (closed.returncode, "Traceback" in closed.stderr) == (0, False)
    reader, writer = os.pipe()
    os.close(reader)
    gone = subprocess.run(PROGRAM, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert gone.returncode == 1
    assert gone.stderr == ""


def test_a_name_that_is_no_unicode(folder):
    name = os.fsdecode(b"out-\xff.jsonl")
    answer = call("tag", "rows.jsonl", "-o", name)
    assert (answer.code, answer.printed["output"]) == (0, name)
    refused(call("tag", "rows.jsonl", "-o", name), "already exists")


NAME = "a[1]*?"
CHAINS = [
    ["mine rows.jsonl --embedder hashing -o NAME", "lexicon show NAME", "tag rows.jsonl --lexicon NAME"],
    ["diagnose rows.jsonl -o NAME", "report NAME -o NAME.html", "tag NAME/rollouts"],
    ["eval --samples rows.jsonl -o NAME", "eval --samples rows.jsonl -o NAME --resume", "tag NAME/samples.parquet"],
    ["tag rows.jsonl -o NAME.parquet", "tag rows.jsonl -o NAME.jsonl", "verify cases.jsonl -o NAME-verdicts.jsonl"],
]


@pytest.mark.parametrize("chain", CHAINS, ids=[chain[0].split()[0] for chain in CHAINS])
def test_a_name_may_hold_what_is_a_pattern_elsewhere(chain, folder):
    for words in chain:
        answer = call(*(word.replace("NAME", NAME) for word in words.split()))
        assert answer.code == 0, answer
