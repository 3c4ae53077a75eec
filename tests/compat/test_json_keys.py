"""What `--json` prints holds the keys that tests/support/json_keys.py promises, verb by verb."""

import json

import pytest

from hicra import cli
from json_keys import JSON_KEYS
from verb_calls import KEY, LABELS

ROWS = [
    {"id": 1, "solution": "First, we need to add. Let's check it: \\boxed{2}", "correct": True, "question": "a", "answer": "2"},
    {"id": 2, "solution": "First, we need to add. Now \\boxed{3}", "correct": True, "question": "b", "answer": "3"},
    {"id": 3, "solution": "No idea.", "correct": False, "question": "b", "answer": "3"},
    {"id": 3},
]  # fmt: skip
CASES = [{"id": 1, "completion": "\\boxed{2}", "gold": "2"}, {"id": 2, "completion": "none", "gold": "2"}]
TABLE = "arm,seed,value\nnone,0,0.1\nnone,1,0.2\nhicra,0,0.3\nhicra,1,0.3\n"
COMMANDS = {
    "corpus inspect": "rows.jsonl --on-bad skip --max-bad 0.5",
    "mine": "rows.jsonl -o out --embedder hashing --on-bad skip --max-bad 0.5",
    "lexicon show": "paper",
    "lexicon diff": "paper paper-n3",
    "lexicon score": "planning labels.jsonl",
    "lexicon fit": "labels.jsonl -o out",
    "lexicon sheet": "grams.txt rows.jsonl --on-bad skip --max-bad 0.5 -o sheet.csv",
    "lexicon agree": "filled.csv --key key.json",
    "lexicon push": "paper me/grams --dry-run",
    "tag": "rows.jsonl --on-bad skip --max-bad 0.5",
    "verify": "cases.jsonl",
    "train": "-o out --set train.steps=1 --set train.prompts_per_step=2 --set train.group_size=2",
    "eval": "--samples good.jsonl -o out",
    "signal": "--model plan-execute-strong --task plan_execute --batches 3 --prompts 8 --group 4",
    "diagnose": "good.jsonl -o out",
    "compare": "table.csv",
    "report": "run -o report.html",
    "watch": "run --once",
    "export": "run -o out",
    "methods": "",
    "doctor": "",
}  # of `demo` tests/engines/test_demo.py asks


def found(value, keys):
    """Every value that a key of json_keys.py names, as in a.*.b."""
    values = [value]
    for key in keys.split("."):
        if key == "*":
            values = [one for value in values for one in (value.values() if isinstance(value, dict) else value)]
        else:
            values = [value[key] for value in values]
    return values


@pytest.mark.parametrize(
    "verb", [pytest.param(verb, marks=pytest.mark.slow) if verb in ("train", "signal") else verb for verb in COMMANDS]
)
def test_keys(verb, tmp_path, monkeypatch, capsys):
    if verb in ("train", "signal"):
        pytest.importorskip("trl")
    monkeypatch.chdir(tmp_path)
    for name, rows in (("rows", ROWS), ("good", ROWS[:3]), ("labels", LABELS), ("cases", CASES)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "grams.txt").write_text("let's check\n")
    (tmp_path / "key.json").write_text(json.dumps(KEY))
    (tmp_path / "filled.csv").write_text(f"sheet,item,mark\n{KEY['sheet']},1,s\n")
    if verb in ("report", "watch", "export"):
        with pytest.raises(SystemExit):
            cli.main(["diagnose", "good.jsonl", "-o", "run", "-q", "--json"])
        capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main([*verb.split(), *COMMANDS[verb].split(), "--json", "-q"])
    out = capsys.readouterr()
    assert stop.value.code == 0, out.err
    printed = json.loads(out.out)
    for keys in JSON_KEYS[verb]:
        found(printed, keys)  # a KeyError names what is missing


def test_every_promise_is_asked_for():
    assert set(JSON_KEYS) == {*COMMANDS, "demo"} <= set(cli.VERBS)
    with pytest.raises(KeyError):
        found({"files": {"a.jsonl": {"ci": 1}}}, "files.*.samples")
