"""From any writer's dump to a page with findings in two commands: dumps that the libraries themselves wrote, and plain lines.

Those of Inspect and verl are made by `tests/support/make_dumps.py`; `make check-trackers` and `make check-verl` write new ones.
What TRL writes in a real run is in `tests/engines/test_trl_dumps.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dumps_said import ANSWERS, QUESTIONS, VERDICTS
from hicra.corpus.turns import WALL
from two_commands import DUMPS, Reported, two_commands
from verb_calls import call

SAID = [
    (question, gold, text, right)
    for (question, gold), answers, verdicts in zip(QUESTIONS, ANSWERS, VERDICTS, strict=True)
    for text, right in zip(answers, verdicts, strict=True)
]


def check(made: Reported, steps: int, between: str) -> None:
    """Compares what is on the page with what the dump was made of; `between` parts what was thought from what was said."""
    shown = Counter((row["prompt"], row["response"], row["correct"]) for row in made.rollouts)
    assert shown == Counter({(asked, text.replace("|", between), right): steps for asked, _, text, right in SAID})
    assert made.rows == dict.fromkeys(range(1, steps + 1), len(SAID))
    assert made.metric("accuracy") == [pytest.approx(4 / 6)] * steps  # of the six answers two are wrong
    assert made.metric("mixed_groups") == [1.0] * steps  # each question has a wrong answer and a right one
    assert made.metric("pass_at_1") == [pytest.approx(4 / 6)] * steps
    assert made.metric("pass_at_2") == [1.0] * steps  # 1 - C(1, 2) / C(3, 2): two of three hold a right one
    words = sum(len(text.replace("|", " ").split()) for _, _, text, _ in SAID)
    assert made.metric("length")[0] == pytest.approx(words / 6, rel=0.2)  # a sum is counted otherwise than by spaces
    assert all(row["gold"] == dict(QUESTIONS)[row["prompt"]] for row in made.rollouts)


@pytest.mark.parametrize("form", ["eval", "json"])
def test_a_log_of_inspect(form: str, tmp_path: Path) -> None:
    (log,) = (DUMPS / "inspect").glob(f"*.{form}")
    check(two_commands(log, tmp_path), 1, WALL)


def test_generations_of_verl(tmp_path: Path) -> None:
    check(two_commands(DUMPS / "verl", tmp_path), 2, "\n")


def test_two_logs_side_by_side(tmp_path: Path) -> None:
    logs = sorted((DUMPS / "inspect").iterdir())
    answer = call("diagnose", *logs, "--apart", "-o", tmp_path / "runs")
    assert answer.code == 0
    assert answer.printed is not None
    assert [one["rows"] for one in answer.printed["arms"]] == [6, 6]
    for one in answer.printed["pairs"]:  # they say the same
        assert (one["questions"], one["difference"]) == (2, 0.0), one
    assert call("report", tmp_path / "runs", "-o", tmp_path / "page.html").code == 0


def test_plain_lines_of_any_sampler(tmp_path: Path) -> None:
    rows = [
        {"step": step, "question": asked, "answer": gold, "response": text.replace("|", " "), "correct": right}
        for step in (1, 2, 3)
        for asked, gold, text, right in SAID
    ]
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    check(two_commands(tmp_path / "samples.jsonl", tmp_path), 3, " ")


def test_inspect_itself_writes_what_is_read(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai")
    made = Path(__file__).parents[1] / "support" / "make_dumps.py"
    for form in ("eval", "json"):
        code = f"import pathlib, make_dumps; make_dumps.inspect_dumps(pathlib.Path('logs-{form}'), {form!r})"
        place = os.environ | {"PYTHONPATH": os.pathsep.join([str(made.parent), *sys.path])}
        subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=place, check=True)
        (tmp_path / form).mkdir()
        check(two_commands(tmp_path / f"logs-{form}", tmp_path / form), 1, WALL)


@pytest.mark.slow
def test_the_two_commands_as_a_stranger_types_them(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "from hicra.cli import main; main()"]
    for words in (["diagnose", DUMPS / "verl", "-o", "run"], ["report", "run", "-o", "page.html"]):
        done = subprocess.run([*program, *map(str, words)], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert 'id="findings"' in (tmp_path / "page.html").read_text(encoding="utf-8")
