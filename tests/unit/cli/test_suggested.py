"""Each command that a finding suggests runs as it is printed: the argument parser takes it, with the reader's own files in it."""

from __future__ import annotations

import ast
import importlib.util
import shlex
from pathlib import Path

import pytest

import hicra.findings
from hicra import cli
from hicra.cli.finding_lines import finding_lines
from hicra.cli.reading import ReadOptions
from hicra.cli.suggested import Stands, lacks

ALARM = {"text": "x", "alarm": True, "rollouts": []}


def commands() -> list[str]:
    """Every text in the code of the findings that is a command."""
    found = set()
    for file in Path(next(iter(hicra.findings.__path__))).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("hicra "):
                found.add(node.value)
    return sorted(found)


def parsed(command: str) -> None:
    """Raises where the argument parser does not take a command."""
    words = shlex.split(command)
    assert words[0] == "hicra"
    cli.app().parse_args([word if word != "N" else "1" for word in words[1:]], exit_on_error=False, print_error=False)


def test_the_commands_are_found() -> None:
    found = commands()
    assert len(found) >= 8
    assert {"hicra verify", "hicra mine", "hicra train", "hicra report"} <= {" ".join(one.split()[:2]) for one in found}


@pytest.mark.parametrize("command", commands())
@pytest.mark.parametrize("paths", [["a.jsonl.gz", "b c.jsonl"], ["-d.jsonl"]])
def test_a_suggested_command_is_taken_by_the_parser(command: str, paths: list[str]) -> None:
    reading = ReadOptions(on_bad="skip", max_bad=0.2, map=("answer=gold answer", "response=text"))
    stands = Stands([Path(path) for path in paths], reading=reading, runs=["runs/a b", "-r"])
    full = stands.command(command)
    assert "ROLLOUTS" not in full
    parsed(full)


def test_an_arm_with_a_path_of_its_own_gets_that_path() -> None:
    stands = Stands([Path("a.jsonl"), Path("b.jsonl")], {"a": Path("a.jsonl"), "b": Path("b.jsonl")})
    assert stands.command("hicra verify ROLLOUTS -o v.jsonl", "b") == "hicra verify b.jsonl -o v.jsonl"
    assert stands.command("hicra verify ROLLOUTS -o v.jsonl") == "hicra verify a.jsonl b.jsonl -o v.jsonl"
    assert stands.command("hicra report RUN") == "hicra report RUN"  # none was written
    text = finding_lines(
        [{**ALARM, "name": "mask_empty", "then": "hicra mine ROLLOUTS", "arm": "a"}], [], stands=stands
    )
    assert "go on with: hicra mine a.jsonl" in text


def test_what_a_command_lacks_stands_below_it(monkeypatch) -> None:
    then = "hicra verify ROLLOUTS -o verdicts.jsonl"
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "math_verify" else real(name, *a))
    assert "[verify]" in lacks(then)
    assert "pip install" in lacks(then)
    assert lacks("hicra mine ROLLOUTS") == ""
    lines = finding_lines([{**ALARM, "name": "reward_errors", "then": then}], []).split("\n")
    assert lines[-1] == f"    {lacks(then)}"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: object())
    assert lacks(then) == ""
