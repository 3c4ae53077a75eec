"""`hicra signal`: its JSON, its text, the folder, and what it refuses."""

import json
import os
import shutil
import signal
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from hicra import cli
from hicra.errors import DataError
from hicra.generation.models import resolve
from hicra.signal import measure, measurement
from verb_calls import call, refused

SMALL = [
    "signal",
    "--model",
    "plan-execute-strong",
    "--task",
    "plan_execute",
    "--batches",
    "3",
    "--prompts",
    "6",
    "--group",
    "6",
    "--methods",
    "hicra,placebo",
]
KINDS = {"signal", "noise", "snr", "share", "ci"}
METHODS = {"cosine", "cosine_ci", "difference", "difference_ci", "bias_cosine", "snr"}


@pytest.mark.slow
def test_the_json_object_is_that_of_the_contract(tmp_path):
    answer = call(*SMALL, "-o", tmp_path / "out", "--seed", 3)
    assert answer.code == 0, answer
    found = answer.printed
    assert {"planning", "execution", "label:reflect"} <= set(found["kinds"])
    assert set(found["methods"]) == {"none", "hicra", "placebo"}
    assert all(set(one) >= KINDS for one in found["kinds"].values())
    assert all(set(one) >= METHODS for one in found["methods"].values())
    assert {key: found[key] for key in ("batches", "rollouts")} == {"batches": 3, "rollouts": 108}
    assert found["seconds"] > 0
    assert found["settings"]["seed"] == 3
    assert found["out"] == str(tmp_path / "out")
    kept = json.loads((tmp_path / "out" / "signal.json").read_text())
    assert kept["methods"] == found["methods"]
    assert json.loads((tmp_path / "out" / "hicra.json").read_text())["kind"] == "hicra.signal"

    # the same again: refused, unless it goes on; another seed is another measurement
    refused(call(*SMALL, "-o", tmp_path / "out", "--seed", 3), "already exists")
    assert call(*SMALL, "-o", tmp_path / "out", "--seed", 3, "--resume").printed["methods"] == found["methods"]
    refused(call(*SMALL, "-o", tmp_path / "out", "--seed", 4, "--resume"), "settings.seed = 3, this one has 4")


@pytest.mark.slow
def test_a_folder_goes_on_by_itself_also_to_more_batches(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plans.txt").write_text("so stop here\nthat works\nthat fails\ntry another way\n")
    first = call(*SMALL, "-o", "my out", "--seed", 3, "--task-set", "attempts=1", "--lexicon", "plans.txt")
    assert first.code == 0, first
    again = call("signal", "-o", "my out", "--resume")
    assert again.code == 0, again
    assert again.printed["methods"] == first.printed["methods"]

    # one more batch, and the process is told to end before the next: what is kept and how to go on is said
    made = measurement.BatchMeasurer._part

    def stopped(run, number, say):
        if number == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return made(run, number, say)

    monkeypatch.setattr(measurement.BatchMeasurer, "_part", stopped)
    with pytest.raises(SystemExit) as stop:
        cli.main(["signal", "-o", "my out", "--resume", "--batches", "6"])
    err = capsys.readouterr().err
    assert stop.value.code == 143
    assert "going on with my out: 3 of 6 batches are kept" in err
    assert "4 of 6 batches are kept in my out; go on: hicra signal -o 'my out' --resume" in err
    monkeypatch.setattr(measurement.BatchMeasurer, "_part", made)
    with pytest.raises(SystemExit) as stop:
        cli.main(["signal", "-o", "my out", "--resume", "--json"])
    out = capsys.readouterr()
    assert stop.value.code == 0
    found = json.loads(out.out)
    assert found["batches"] == 6
    assert found["settings"]["seed"] == 3
    assert set(found["methods"]) == {"none", "hicra", "placebo"}
    assert "4 of 6 batches are kept" in out.err
    assert "hicra report 'my out' -o 'my out.html'" in out.err


def test_a_folder_that_holds_nothing_to_go_on_with(tmp_path):
    answer = call("signal", "-o", tmp_path / "none", "--resume")
    assert answer.code == 2
    assert "records no measurement that could go on" in answer.printed["error"]
    (tmp_path / "hicra.json").write_text('{"kind": "hicra.signal", "schema_version": 1}')
    refused(call("signal", "-o", tmp_path, "--resume"), "does not hold model, settings and inputs")
    (tmp_path / "hicra.json").write_text(
        '{"kind": "hicra.signal", "schema_version": 1, "model": {"name": "plan-execute-strong"}, "settings": {},'
        '"inputs": {"task": "gsm8k", "data": "0"}}'
    )
    refused(
        call("signal", "-o", tmp_path, "--resume"), "give a task or a file of questions"
    )  # its name was not recorded


def test_a_small_projection_warns_with_its_own_error(monkeypatch, capsys):
    monkeypatch.setattr(measure, "load_model", None)
    with pytest.raises(TypeError):
        cli.main([*SMALL, "--project", "50", "-q"])
    # sqrt(2 / 50) = .2
    assert "warning: a projection to 50 numbers may move each signal by about 20 %" in capsys.readouterr().err


@pytest.mark.slow
def test_the_text_is_for_people_and_nothing_is_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(SMALL)
    out = capsys.readouterr()
    assert stop.value.code == 0, out.err
    assert "share of the signal" in out.out
    assert "A better step is not yet a better run" in out.out
    assert "66 phrases" in out.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("--batches 2", "have an interval"),
        ("--group 1", "at least 2"),
        ("--methods hicara", "hicara"),
        ("--methods hicra@alpha=2", "alpha"),
        ("--methods hicra@alpha=0.2@alpha=0.3", "sets alpha twice"),
        ("--methods ,", "a name among the methods is empty"),
        ("--methods hicra,,placebo", "a name among the methods is empty"),
        ("--methods=", "a name among the methods is empty"),
        ("--methods @alpha=1", "a name among the methods is empty"),
        ("--methods :", "':' lacks a module"),
        ("--methods :shape", "':shape' lacks a module"),
        ("--methods json:", "'json:' lacks a function"),
        ("--baseline grpoo", "grpoo"),
        ("--parameters top", "top"),
        ("--parameters last:9", "last:9"),
        ("--device tpu", "tpu"),
        ("--task plan_exec", "plan_exec"),
        ("--task-set attempts", "--task-set 'attempts'"),
        ("--task-set tries=1", "tries"),
        ("--model no-such-model", "no-such-model"),
        ("--lexicon no-such-lexicon", "no-such-lexicon"),
        ("--data no-such.jsonl", "one of the two"),
        ("--resume", "no folder"),
        ("--prompts 100000", "100000 prompts"),
    ],
)
def test_what_is_refused_before_anything_is_sampled(more, said, monkeypatch):
    monkeypatch.setattr("hicra.generation.sampling.sample", None)
    option = more.split()[0].removesuffix("=")
    words = SMALL.copy()
    if option in words:
        del words[words.index(option) : words.index(option) + 2]
    refused(call(*words, *more.split()), said)


def test_questions_of_a_file_that_the_model_cannot_answer(tmp_path):
    file, plans = tmp_path / "sums.jsonl", tmp_path / "plans.txt"
    file.write_text("".join(json.dumps({"question": f"{n} + 1?", "answer": str(n + 1)}) + "\n" for n in range(8)))
    plans.write_text("\n".join(["that works", "that fails", "let us keep adding", "so stop here"]))
    words = [
        "signal",
        "--model",
        "plan-execute-strong",
        "--data",
        file,
        "--prompts",
        4,
        "--group",
        4,
        "--lexicon",
        plans,
    ]
    refused(call(*words, "--task-set", "prompt=question"), "would not fit into the model's context of 96")
    answer = call(*words, "--task-set", "prompt=question", "--max-new-tokens", 57)
    refused(answer, "no mixed group among 4", "0 of 16 rollouts are right")
    assert "--prompts 8 looks at more problems" in answer.printed["fix"]  # and not at 16, which the file does not have
    words[words.index("--prompts") + 1] = 8
    answer = call(*words, "--task-set", "prompt=question", "--max-new-tokens", 57)
    assert "all 8 problems are in use already" in answer.printed["fix"]
    assert "larger groups (--group)" in answer.printed["fix"]
    refused(call(*words[:5], "--prompts", 9), "has 8 problems")


def test_a_folder_that_is_something_else(tmp_path):
    (tmp_path / "mine").write_text("x")
    refused(call(*SMALL, "-o", tmp_path), tmp_path, "already exists")
    refused(call(*SMALL, "-o", tmp_path / "mine"), "is a file")


def test_a_command_without_a_model_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["signal", "--task", "plan_execute"])
    assert stop.value.code == 2
    assert "--model" in capsys.readouterr().err


@pytest.fixture
def no_model(monkeypatch):
    """Ends every measurement where it would load its model: what is refused before has touched nothing."""

    def stopped(*given):
        raise DataError("the model would be loaded now", "go on")

    monkeypatch.setattr("hicra.signal.measure.load_model", stopped)


OWN = """
def shape(advantages, batch):
    return advantages * 2

def base(rewards, group_ids, batch):
    return rewards * 1.0
"""


@pytest.mark.parametrize(
    ("words", "file"),
    [
        ("--task plan_execute --lexicon out=1/plans.txt", "plans.txt"),
        ("--data out=1/sums.jsonl", "sums.jsonl"),
        ("--data math=out=1/sums.jsonl", "sums.jsonl"),
        ("--task math --task-set train_file=out=1/sums.jsonl", "sums.jsonl"),
        ("--task gsm8k --task-set train_file=out=1/sums.jsonl", "sums.jsonl"),
        ("--task plan_execute --methods own_of_signal:shape", "own_of_signal.py"),
        ("--task plan_execute --baseline own_of_signal:base", "own_of_signal.py"),
    ],
)
def test_no_input_is_ever_replaced(tmp_path, monkeypatch, no_model, words, file):
    out = tmp_path / "out=1"
    out.mkdir()
    (out / "plans.txt").write_text("so stop here\nthat works\n")
    (out / "sums.jsonl").write_text(
        "".join(f'{{"question": "{n} + 1?", "answer": "#### {n + 1}"}}\n' for n in range(8))
    )
    (out / "own_of_signal.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(out)
    common = ["signal", "--model", "plan-execute-strong", "--prompts", 4, "-o", "out=1", "--overwrite"]
    refused(call(*common, *words.split()), "would replace the input", file)
    sys.modules.pop("own_of_signal", None)
    assert len(list(out.iterdir())) >= 3


def test_nothing_is_written_into_the_model(tmp_path, no_model):
    folder = tmp_path / "model"
    shutil.copytree(resolve("plan-execute-strong"), folder)
    before = sorted(folder.iterdir())
    for out in (folder / "out", folder / "deep" / "out", folder):
        words = ["signal", "--model", folder, "--task", "plan_execute", "-o", out, "--overwrite"]
        refused(call(*words), "model folder" if out != folder else "would replace the input")
    assert sorted(folder.iterdir()) == before
