"""Small inputs for every verb, and a call of a verb that returns its exit code, its JSON object and its stderr."""

import contextlib
import io
import json
import resource
from dataclasses import dataclass
from typing import Any

from hicra import cli
from hicra.drawing.readable import harmless

ROWS = [
    {"id": number, "step": 1, "question": f"{number} + 1?", "answer": str(number + 1), "correct": number % 3 > 0,
     "response": f"First, we need to add {number}. Let's check it, and then once more. \\boxed{{{number + 1}}}"}
    for number in range(24)
]  # fmt: skip
LABELS = [
    {
        "doc_id": f"maths_{number}", "question": f"q{number}", "response": "Let me check. So 2 is 2.",
        "units": [{"start": 0, "end": 13, "labels": ["planning"]}, {"start": 14, "end": 24, "labels": ["reasoning"]}],
    }
    for number in range(40)
]  # fmt: skip
CASES = [{"id": number, "completion": "\\boxed{2}", "gold": "2"} for number in range(8)]
TABLE = "arm,seed,value\n" + "".join(f"{arm},{seed},0.{seed}\n" for arm in ("none", "hicra") for seed in range(6))
SIGNAL = "--model plan-execute-strong --task plan_execute --batches 3 --prompts 6 --group 6 --methods hicra"
PLANS = "so stop here\nthat fails\nthat works\ntry another way\n"  # what the model writes now and then
SMALL = "--set train.steps=1 --set train.prompts_per_step=2 --set train.group_size=2 --set eval.problems=0"

# What each verb that writes is called with; OUT is its output, and the first word its input.
WRITERS = {
    "corpus overlap": "rows.jsonl rows.jsonl -o OUT",
    "mine": "rows.jsonl --embedder hashing -o OUT",
    "lexicon merge": "grams.txt paper -o OUT",
    "lexicon select": "grams.txt --n-min 1 -o OUT",
    "lexicon fit": "labels.jsonl -o OUT",
    "lexicon sheet": "grams.txt rows.jsonl -o OUT",
    "tag": "rows.jsonl -o OUT",
    "verify": "cases.jsonl -o OUT",
    "eval": "--samples rows.jsonl -o OUT",
    "signal": f"{SIGNAL} --lexicon plans.txt -o OUT",
    "diagnose": "rows.jsonl -o OUT",
    "compare": "table.csv --plot OUT",
    "report": "run -o OUT",
    "export": "run -o OUT",
    "train": f"--config config.yaml {SMALL} -o OUT",
    "demo": "-o OUT",
}
FOLDERS = (
    "mine", "lexicon merge", "lexicon select", "lexicon fit", "eval", "signal", "diagnose", "export", "train", "demo",
)  # fmt: skip
SUFFIXES = {
    "corpus overlap": ".jsonl", "lexicon sheet": ".csv", "tag": ".jsonl", "verify": ".jsonl", "compare": ".svg",
    "report": ".html",
}  # fmt: skip
KEY = {
    "kind": "hicra.sheet-key", "schema_version": 1, "sheet": "sheet-1", "lexicon": {"name": "a", "content_hash": "b"},
    "absent": [], "items": [{"item": 1, "kind": "gram", "gram": "so"}],
}  # fmt: skip

# What each verb that reads is called with; BAD is a file or folder that is not what it should be.
READERS = {
    "corpus inspect": "BAD",
    "corpus overlap": "BAD rows.jsonl",
    "mine": "BAD --embedder hashing -o OUT",
    "lexicon show": "BAD",
    "lexicon diff": "BAD paper",
    "lexicon merge": "paper BAD -o OUT",
    "lexicon select": "BAD -o OUT",
    "lexicon score": "paper BAD",
    "lexicon fit": "BAD -o OUT",
    "lexicon sheet": "paper BAD -o OUT",
    "lexicon agree": "BAD --key key.json",
    "lexicon push": "BAD me/grams --dry-run",
    "tag": "BAD -o OUT",
    "verify": "BAD -o OUT",
    "eval": "--samples BAD -o OUT",
    "signal": "--data BAD --model plan-execute-strong -o OUT",
    "diagnose": "BAD -o OUT",
    "compare": "BAD",
    "report": "BAD -o OUT",
    "view": "BAD",
    "watch": "BAD --once",
    "export": "BAD -o OUT",
    "train": f"--config BAD {SMALL} -o OUT",
}
NO_FILES = ("methods", "doctor")


def write_inputs(folder):
    """Writes the inputs of the table above into a folder."""
    for name, rows in (("rows", ROWS), ("labels", LABELS), ("cases", CASES)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "table.csv").write_text(TABLE)
    (folder / "key.json").write_text(json.dumps(KEY))
    (folder / "plans.txt").write_text(PLANS)
    (folder / "grams.txt").write_text("let's check\nonce more\n")
    (folder / "config.yaml").write_text("task:\n  name: plan_execute\n")


@dataclass(frozen=True)
class Answer:
    """What a verb gave back; `printed` is None if stdout is not exactly one JSON object."""

    code: int
    printed: dict[str, Any] | None
    err: str


def call(*words, largest=None):
    """Calls a verb in this process, with --json; `largest` bounds the bytes of a file, as a full disk does."""
    out, err = io.StringIO(), io.StringIO()
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            if largest is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, bounds[1]))
            cli.main([*map(str, words), "--json", "-q"])
        except SystemExit as stop:
            code = stop.code
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
    try:
        printed = json.loads(out.getvalue())
    except ValueError:
        printed = None
    return Answer(code, printed if isinstance(printed, dict) else None, err.getvalue())


def refused(answer, *names):
    """Asserts that a verb ended with one error that names something, and with the same in one JSON object."""
    assert answer.code == 1, answer
    assert answer.printed is not None, answer
    assert set(answer.printed) == {"error", "fix"}, answer
    assert answer.printed["fix"], answer
    assert "Traceback" not in answer.err
    assert answer.err.startswith("error: ") or "\nerror: " in answer.err, answer
    assert harmless(answer.printed["error"]) in answer.err  # what a terminal might act on is replaced there
    for name in names:
        assert str(name) in answer.printed["error"], answer
