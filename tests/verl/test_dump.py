"""The generations that verl's own trainer writes: as in the committed sample, and read as they are meant."""

import json
from pathlib import Path

import pytest

from dumps_said import QUESTIONS
from make_dumps import verl_dump
from two_commands import DUMPS, two_commands


def test_verl_writes_today_what_is_committed(tmp_path):
    verl_dump(tmp_path / "dump")
    for step in ("1.jsonl", "2.jsonl"):
        own, kept = ((folder / step).read_text(encoding="utf-8") for folder in (tmp_path / "dump", DUMPS / "verl"))
        assert [json.loads(line) for line in own.splitlines()] == [json.loads(line) for line in kept.splitlines()]
    made = two_commands(Path(tmp_path / "dump"), tmp_path)
    assert made.rows == {1: 6, 2: 6}
    assert made.metric("accuracy") == [pytest.approx(4 / 6)] * 2
    assert {row["prompt"] for row in made.rollouts} == {question for question, _ in QUESTIONS}
