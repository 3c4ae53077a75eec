"""Input as an angry stranger has it: every verb ends with an answer or with one error, and never with a traceback."""

import json
import os
import pty
import shutil
import socket
import subprocess
import sys

import polars as pl
import pytest

from verb_calls import ROWS, call, refused, write_inputs

pytestmark = pytest.mark.slow  # each test calls several verbs


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder):
    assert call("diagnose", "rows.jsonl", "-o", "run").code == 0
    return folder / "run"


def rollouts(run, **columns):
    """Gives the saved rollouts of a run other columns."""
    (file,) = (run / "rollouts").iterdir()
    pl.read_parquet(file).with_columns(**{name: pl.lit(value) for name, value in columns.items()}).write_parquet(file)


# ---- dumps


def test_a_folder_of_mixed_formats_is_read_file_by_file(folder):
    mixed = folder / "mixed"
    mixed.mkdir()
    jsonl(mixed / "a.jsonl", ROWS[:4])
    pl.DataFrame(ROWS[4:8]).write_parquet(mixed / "b.parquet")
    jsonl(mixed / "c.jsonl", [{"input": "q", "output": "let me check", "score": 1.0, "step": 3}])
    (mixed / "d.json").write_text("{}")
    (mixed / "notes.txt").write_text("x")
    answer = call("diagnose", "mixed", "-o", "run")
    assert answer.code == 0
    assert [(one["step"], one["rows"]) for one in answer.printed["steps"]] == [(1, 8), (3, 1)]
    assert "8 of 9 rows have no reward" in " ".join(answer.printed["warnings"])
    inspected = call("corpus", "inspect", "mixed").printed
    assert inspected["format"] == "jsonl+parquet+verl"
    assert [one["file"] for one in inspected["left_out"]] == ["mixed/d.json", "mixed/notes.txt"]


def test_a_row_of_another_layout_in_one_file_is_named_with_its_writer(folder):
    jsonl(folder / "a.jsonl", [ROWS[0], {"input": "q", "output": "o", "score": 1.0}])
    answer = call("diagnose", "a.jsonl", "-o", "out")
    refused(
        answer, "a.jsonl line 2", "it is a row of verl, and the first row of its file is not: a file holds one layout"
    )
    jsonl(folder / "b.jsonl", [{"input": "q", "output": "o", "score": 1.0}, ROWS[0]])
    refused(call("diagnose", "b.jsonl", "-o", "out"), "b.jsonl line 2", "no 'input' and no 'output'")
    assert not (folder / "out").exists()


def test_rows_without_step_and_without_correctness_list_what_is_left_out(folder):
    jsonl(folder / "a.jsonl", [{"response": row["response"]} for row in ROWS])
    answer = call("diagnose", "a.jsonl", "-o", "run")
    assert answer.code == 0
    assert [(one["step"], one["rows"]) for one in answer.printed["steps"]] == [(1, len(ROWS))]
    assert answer.printed["left_out"]["hicra/accuracy"] == "correct or reward"
    assert answer.printed["steps"][0]["hicra/accuracy"] is None
    assert answer.printed["steps"][0]["hicra/length"] > 0
    assert call("report", "run", "-o", "page.html").code == 0


def test_a_tokenizer_that_disagrees_with_the_stored_ids_is_said(folder):
    from tokenizers_made import byte_level

    (folder / "tk").mkdir()
    byte_level().save(str(folder / "tk" / "tokenizer.json"))
    ids = {"other text": [5, 6, 7], "beyond the vocabulary": [10**6, 3], "none": []}
    for number, (_, own) in enumerate(ids.items()):
        jsonl(folder / f"{number}.jsonl", [row | {"token_ids": own} for row in ROWS])
        answer = call("diagnose", f"{number}.jsonl", "--tokenizer", "tk", "-o", f"run{number}")
        assert answer.code == 0
        assert any("the tokens are not those of that text" in said for said in answer.printed["warnings"]), own


def test_impossible_values_of_tokens_are_unknown_and_said(folder):
    text = {"response": "let me check", "correct": True}
    for name, values in (("logprobs", [0.5, 2.0, 1.0]), ("entropies", [0.5, -2.0, 1.0]), ("logprobs", ["a", "b", "c"])):
        jsonl(folder / "a.jsonl", [text | {name: values}] * 3)
        answer = call("diagnose", "a.jsonl", "-o", "run", "--overwrite")
        metric = {"logprobs": "ppl", "entropies": "entropy"}[name]
        assert answer.printed["steps"][0][f"hicra/{metric}_planning"] is None
        assert any(said.startswith(f"{name} fit the words of no row (one number a word, each at") for said in
                   answer.printed["warnings"])  # fmt: skip
    jsonl(folder / "a.jsonl", [text | {"logprobs": [1e-4, -2.0, -1.0]}] * 3)  # what half precision rounds to
    answer = call("diagnose", "a.jsonl", "-o", "run", "--overwrite")
    assert answer.printed["steps"][0]["hicra/ppl_planning"] is not None


@pytest.mark.parametrize("step", [2**62, -3, 0])
def test_steps_of_any_size(step, folder):
    jsonl(folder / "a.jsonl", [row | {"step": step} for row in ROWS])
    assert [one["step"] for one in call("diagnose", "a.jsonl", "-o", "run").printed["steps"]] == [step]
    assert call("report", "run", "-o", "page.html").code == 0
    assert call("watch", "run", "--once").printed["state"] == "ended"


def test_a_step_that_is_no_whole_number_is_shown(folder):
    jsonl(folder / "a.jsonl", [ROWS[0] | {"step": 3.5}])
    refused(call("diagnose", "a.jsonl"), "a.jsonl line 1", "step must be an integer, not 3.5")


OWN_NAMES = (
    "spans",
    "planning_mask",
    "_group",
    "_run",
    "arm",
    "advantages",
    "tree",
    "labels",
    "token_ends",
    "tool_outputs",
)


@pytest.mark.parametrize("value", ["x", 7, True, [[1]], {"a": 1}], ids=str)
def test_columns_under_the_names_of_our_own(value, folder):
    jsonl(folder / "a.jsonl", [row | dict.fromkeys(OWN_NAMES, value) for row in ROWS[:6]])
    assert call("diagnose", "a.jsonl", "-o", "run").code == 0
    assert call("report", "run", "-o", "page.html").code == 0


NAMES = ["a/b", "../../x", "\x1b[31mx", "", "." * 300, "x" * 5000, "A", "a", "a\nb", "\u202eabc", None]


def test_arms_of_any_name(folder):
    rows = [ROWS[number % 24] | {"model": name} for number, name in enumerate(NAMES * 2)]
    jsonl(folder / "a.jsonl", rows)
    answer = call("diagnose", "a.jsonl", "--by", "model", "-o", "runs")
    assert answer.code == 0
    places = [one["run_dir"] for one in answer.printed["arms"]]
    assert len({place.lower() for place in places}) == len(NAMES)
    assert all(os.path.dirname(os.path.realpath(place)) == str(folder / "runs") for place in places)
    assert call("report", "runs", "-o", "page.html").code == 0
    assert call("export", "runs", "-o", "tables").code == 0
    answer = call("diagnose", "a.jsonl", "--by", "model", "--baseline", "zz")
    refused(answer, "zz")
    assert len(answer.printed["fix"]) < 1000  # names of any length are cut


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "-rf", "\u202eabc", "a'b\"$(x)", "a[1]*?"])
def test_files_and_folders_of_any_name(name, folder):
    path = jsonl(folder / f"{name}.jsonl", ROWS)
    assert call("diagnose", path, "-o", folder / name).code == 0
    assert call("report", folder / name, "-o", folder / f"{name}.html").code == 0
    for form in ("parquet", "inspect"):
        assert call("export", folder / name, "-o", folder / f"{name}-{form}", "--format", form).code == 0


def test_no_name_acts_on_a_terminal(folder):
    path = folder / "\x1b[2Ja\r\x07.jsonl"
    path.write_text("[1]\n", encoding="utf-8")
    main, terminal = pty.openpty()
    program = [sys.executable, "-c", "from hicra.cli import main; main()"]
    done = subprocess.run([*program, "diagnose", path, "-q"], stdout=terminal, stderr=terminal, check=False)
    os.close(terminal)
    said = os.read(main, 10_000).decode()
    os.close(main)
    assert done.returncode == 1
    assert "a row is a JSON object" in said
    assert not set(said.replace("\r\n", "\n")) & set("\x1b\x07\r")


def test_a_link_that_leads_nowhere_is_named(folder):
    (folder / "loop").symlink_to("loop")
    refused(call("diagnose", "loop"), "loop is a link to loop, which is not there")


# ---- run folders


@pytest.mark.parametrize("seed", [None, "x", 1.5])
def test_a_run_without_a_seed(seed, run):
    manifest = json.loads((run / "hicra.json").read_text())
    (run / "hicra.json").write_text(json.dumps(manifest | {"seed": seed}))
    for form in ("parquet", "inspect"):
        refused(call("export", "run", "-o", "out", "--format", form), "hicra.json", "no integer")
    assert call("report", "run", "-o", "page.html").code == 0
    assert call("watch", "run", "--once").code == 0


def test_metrics_that_cannot_be_drawn_are_left_out_and_said(run):
    huge = [{"step": step, "hicra/accuracy": value, "hicra/length": value} for step, value in ((1, 1e308), (2, -1e308))]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in huge))
    assert call("report", "run", "-o", "page.html").code == 0
    said = (run.parent / "page.html").read_text(encoding="utf-8")
    assert "are no numbers, or beyond 1e300, and are not drawn: hicra/accuracy, hicra/length" in said
    (run / "metrics.jsonl").write_text(json.dumps({"step": 1, "hicra/length": 10**400}) + "\n")
    for words in (["report", "run", "-o", "two.html"], ["watch", "run", "--once"], ["export", "run", "-o", "tables"]):
        refused(call(*words), "metrics.jsonl line 1", "an integer has more than 300 digits")


@pytest.mark.parametrize(
    "column", ["spans", "labels", "token_ends", "tool_outputs", "planning_mask", "entropies", "tree"]
)
@pytest.mark.parametrize("value", ["x", 7], ids=str)
def test_rollouts_whose_lists_are_none(column, value, run):
    rollouts(run, **{column: value})
    for words in (["report", "run", "-o", "page.html"], ["export", "run", "-o", "a"], ["watch", "run", "--once"],
                  ["export", "run", "-o", "b", "--format", "inspect"], ["diagnose", "run", "-o", "again"]):  # fmt: skip
        answer = call(*words)
        assert answer.code == 0, (words, answer)


def test_a_mask_with_a_gap_gives_no_share(run):
    (file,) = (run / "rollouts").iterdir()
    table = pl.read_parquet(file)
    table.with_columns(planning_mask=pl.Series([[1, None]] * table.height)).write_parquet(file)
    assert call("export", "run", "-o", "logs", "--format", "inspect").code == 0
    (log,) = (run.parent / "logs" / "run").iterdir()
    assert "planning_share" not in json.loads(log.read_text())["samples"][0]["scores"]


def test_a_port_that_is_taken(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = call("view", "run", "--port", port)
        refused(answer, f"port {port} cannot be used: Address already in use")
        assert "leave out --port for a free one" in answer.printed["fix"]


def test_a_run_twice_under_two_names(run):
    shutil.copytree(run, run.parent / "copy")
    assert call("report", "run", "copy", "-o", "page.html").code == 0
    refused(call("report", "run", "./run", "-o", "two.html"), "is given twice")
    refused(call("compare", "run", "copy", "--baseline", "observed"), "was given before")
