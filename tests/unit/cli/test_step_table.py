"""The table of steps fits where it is printed; what has no room is counted, and --wide has all."""

from __future__ import annotations

from typing import Any

import pytest

from hicra.cli import step_table as module
from hicra.cli.step_table import step_table, width_of_stdout

NAMES = (
    "accuracy", "reward", "reward_errors", "mixed_groups", "length", "planning_share", "gram_hits", "semantic_entropy",
    "semantic_entropy_miller_madow", "semantic_entropy_rarefied", "entropy_planning", "entropy_execution", "reflection_rate",
    "repetition", "conditional_entropy", "pass_at_1", "pass_at_2", "pass_at_4",
)  # fmt: skip


def many(n: int = 6, **other: Any) -> list[dict[str, Any]]:
    return [{"step": step, "rows": 8, **{f"hicra/{name}": 0.25 for name in NAMES}, **other} for step in range(n)]


@pytest.mark.parametrize(("width", "shown"), [
    (116, "accuracy planning_share length semantic_entropy_rarefied entropy_planning entropy_execution"),
    (115, "accuracy planning_share length semantic_entropy_rarefied entropy_planning"),
    (79, "accuracy planning_share length semantic_entropy_rarefied"),
    (78, "accuracy planning_share length"), (30, "accuracy"), (5, ""),
])  # fmt: skip
def test_the_most_important_columns_are_shown(width: int, shown: str) -> None:
    lines = step_table(many(), "words", width=width).split("\n")
    head = lines[0].replace("length (words)", "length").split()
    assert set(head) == {"step", "rows", *shown.split()}
    assert width < len("step  rows") or max(map(len, lines[:-1])) <= width
    assert lines[-1] == f"not shown: {len(NAMES) - len(shown.split())} more metrics; --wide shows all"


def test_no_width_shows_all() -> None:
    lines = step_table(many(), "words", width=None).split("\n")
    assert len(lines) == 7
    assert len(lines[0].split()) == len(NAMES) + 3  # step, rows, and "length (words)" is two words
    assert "not shown" not in lines[-1]


def test_a_reward_that_is_the_accuracy_and_unscorable_rows_that_are_none_are_not_shown() -> None:
    def head(**other: Any) -> list[str]:
        return (
            step_table(many(**{f"hicra/{name}": value for name, value in other.items()}), width=500)
            .split("\n")[0]
            .split()
        )

    same, differing = head(reward_errors=0), head(reward=0.5)
    assert not {"reward", "unscorable", "pass_at_1", "pass_at_2"} & {*same}
    assert {"reward", "unscorable", "pass_at_4", "mixed_groups"} <= {*differing}
    few = head(semantic_entropy_rarefied=None)
    assert ("semantic_entropy" in few, "semantic_entropy" in same) == (True, False)
    alone = head(pass_at_2=None, pass_at_4=None)
    assert not {"pass_at_1", "mixed_groups"} & {*alone}  # one response a prompt


def test_steps_in_columns_that_have_no_room_stand_below() -> None:
    intervals = [{"hicra/accuracy": [0.125, 0.375]} for _ in range(3)]
    lines = step_table(many(3), "words", intervals, 71).split("\n")
    heads = [at for at, line in enumerate(lines) if line.startswith("step ")]
    # "semantic_entropy_rarefied" has 25 letters, "0.25 (0.125 to 0.375)" 21 and 2 spaces before it: 25 + 2 * 23 = 71
    assert [lines[at].split() for at in heads] == [["step", "0", "1"], ["step", "2"]]
    assert max(map(len, lines[:-1])) == 71
    assert sum(line.count("(0.125 to 0.375)") for line in lines) == 3


def test_a_pipe_has_the_width_of_none_and_a_terminal_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert width_of_stdout() == 100
    monkeypatch.setenv("COLUMNS", "72")
    assert width_of_stdout() == 100
    monkeypatch.setattr(module.sys.stdout, "isatty", lambda: True)
    assert width_of_stdout() == 72
