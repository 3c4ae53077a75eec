"""Inputs that are torn, hostile or not there: every verb says so in one line with the file's name, and leaves nothing behind."""

import glob
import gzip
import random

import polars as pl
import pytest

from verb_calls import READERS, ROWS, SUFFIXES, call, refused, write_inputs

pytestmark = pytest.mark.slow  # a walk over every verb

NOISE = random.Random(5).randbytes(4000)


def _torn(whole):
    return whole[: len(whole) // 2]


def _parquet():
    pl.DataFrame([{"response": row["response"], "id": row["id"]} for row in ROWS]).write_parquet("whole.parquet")
    with open("whole.parquet", "rb") as file:
        return file.read()


BAD = {
    "noise.jsonl": lambda: NOISE,
    "noise.parquet": lambda: NOISE,
    "noise.jsonl.gz": lambda: NOISE,
    "noise.jsonl.zst": lambda: NOISE,
    "torn.parquet": lambda: _torn(_parquet()),
    "torn.jsonl.gz": lambda: _torn(gzip.compress(NOISE)),
    "torn.jsonl": lambda: b'{"id": 1, "response": "so I th',
    "nul.jsonl": lambda: b"\0" * 3000,
    "deep.jsonl": lambda: b'{"response": ' + b"[" * 200_000 + b"\n",
    "long-number.jsonl": lambda: b'{"response": "a", "step": ' + b"9" * 6000 + b"}\n",
    "array.jsonl": lambda: b"[1, 2]\n",
    "number.jsonl": lambda: b"7\n",
    "empty.jsonl": lambda: b"",
    "surrogate.csv": lambda: b"arm,seed,value\n\xed\xa0\x80,1,2\n",
}


LEXICONS = (
    "lexicon show",
    "lexicon diff",
    "lexicon merge",
    "lexicon select",
    "lexicon push",
)  # any text is a list of phrases
NO_TEXT = [
    name for name in BAD if name.startswith(("noise", "torn.jsonl.gz", "torn.parquet", "nul", "empty", "surrogate"))
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path)
    assert call("diagnose", "rows.jsonl", "-o", "run").code == 0
    return tmp_path


def words_of(verb, bad):
    return [
        *verb.split(),
        *({"BAD": bad, "OUT": f"out{SUFFIXES.get(verb, '')}"}.get(word, word) for word in READERS[verb].split()),
    ]


@pytest.mark.parametrize(
    ("verb", "name"), [(verb, name) for verb in READERS for name in (NO_TEXT if verb in LEXICONS else BAD)]
)
def test_a_file_that_is_torn_or_hostile(verb, name, folder):
    (folder / name).write_bytes(BAD[name]())
    refused(call(*words_of(verb, name)), name)
    assert not glob.glob("out*")


@pytest.mark.parametrize("verb", READERS)
def test_a_file_that_is_not_there(verb, folder):
    (folder / "dangling.jsonl").symlink_to(folder / "gone")
    for name in ("gone.jsonl", "dangling.jsonl"):
        refused(call(*words_of(verb, name)), name)
        assert not glob.glob("out*")


@pytest.mark.parametrize("verb", READERS)
def test_an_empty_folder(verb, folder):
    (folder / "empty").mkdir()
    refused(call(*words_of(verb, "empty")), "empty")
    assert not glob.glob("out*")


@pytest.mark.parametrize("name", BAD)
def test_a_benchmark_that_is_torn_or_hostile(name, folder):
    (folder / name).write_bytes(BAD[name]())
    refused(call("eval", "--samples", "rows.jsonl", "--data", name, "-o", "out"), name)
    assert not glob.glob("out*")


DAMAGE = {
    "noise": NOISE, "nothing": b"", "number": b"7\n", "list": b"[]\n", "deep": b"[" * 200_000, "nul": b"\0" * 99, "torn": b'{"a',
    "long number": b'{"step": ' + b"1" * 6000 + b"}\n",
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("file", ["hicra.json", "metrics.jsonl", "evaluation.json", "rollouts"])
@pytest.mark.parametrize("words", ["report run -o out.html", "compare run --metric hicra/length --baseline observed"])
def test_a_run_folder_with_a_damaged_file(words, file, damage, folder):
    path = next((folder / "run" / "rollouts").iterdir()) if file == "rollouts" else folder / "run" / file
    path.write_bytes(DAMAGE[damage])
    unread = file == ("rollouts" if words.startswith("compare") else "evaluation.json")
    answer = call(*words.split())
    if not unread and (damage, file) != ("nothing", "metrics.jsonl"):
        refused(answer, path.name)
        assert not glob.glob("out*")
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("file", ["eval.json", "samples.parquet"])
def test_an_evaluation_with_a_damaged_file(file, damage, folder):
    words = ["eval", "--samples", "rows.jsonl", "-o", "out"]
    assert call(*words).code == 0
    path = folder / "out" / file
    path.write_bytes(DAMAGE[damage])
    refused(call(*words, "--resume"), path.name)
    assert call(*words, "--overwrite").code == 0


@pytest.mark.parametrize(
    "words", ["eval --samples rows.jsonl -o out --resume", "report run -o out.html", "tag whole.parquet"]
)
def test_parquet_files_with_a_byte_changed(words, folder):
    """polars reads such a file, raises an error or panics: whatever it does, the verb ends with 0, or with 1 and one error."""
    _parquet()
    assert call("eval", "--samples", "rows.jsonl", "-o", "out").code == 0
    path = {"eval": folder / "out" / "samples.parquet", "report": next((folder / "run" / "rollouts").iterdir())}.get(
        words.split()[0], folder / "whole.parquet"
    )
    whole, draw = path.read_bytes(), random.Random(3)
    for _ in range(12):
        broken = bytearray(whole)
        broken[-draw.randrange(1, 400)] ^= draw.randrange(1, 256)  # the schema stands at the end
        path.write_bytes(broken)
        answer = call(*words.split())
        if answer.code or words.startswith("eval"):
            refused(answer, path.name)
        else:
            (folder / "out.html").unlink(missing_ok=True)
