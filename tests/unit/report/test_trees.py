"""Trees of actions and subgoals: read and checked, cut to the page's size, and shown as text."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra.report.build import build_model
from hicra.report.model import ReportModel, Rollout, Run
from hicra.report.pack import pack
from hicra.report.report import render
from hicra.report.trees import MOST_NODES, read_subgoals, read_tree
from report_fakes import fake_run

# a root with two children, of which the first has one; 0.5 = (1 + 0) / 2, and 1 - 0.5 = 0.5
TREE = [[-1, "at one", 0.5, None], [0, "right", 1.0, 0.5], [0, "left", 0.0, -0.5], [1, "open </script>", 1.0, None]]
RUN = Run("run", Path("run"), 0, "none", 0, "", {}, {}, {}, (1,), ({},), 1)
ROW = Rollout(0, 0, 1, "a", "g", "at one", "right", 1.0, None, None)


def block(rollout: Rollout) -> dict[str, Any]:
    data = json.loads(pack(ReportModel(("none",), (RUN,), (rollout,), ()), 10**6)[0])
    (row,) = data["rollouts"]
    return row


def test_a_tree_is_read_and_shown_as_it_is():
    bad: Counter[str] = Counter()
    nodes = read_tree({"tree": json.dumps(TREE)}, bad)
    assert not bad
    assert [list(node) for node in nodes] == TREE
    row = block(replace(ROW, tree=nodes, subgoals=("get the key", "open the door")))
    assert row["tree"] == TREE
    assert row["subgoals"] == ["get the key", "open the door"]
    assert "nodes" not in row


def test_a_row_without_either_has_no_keys_for_them():
    bad: Counter[str] = Counter()
    assert (
        read_tree({"tree": None}, bad)
        == read_tree({}, bad)
        == ()
        == read_subgoals({})
        == read_subgoals({"subgoals": None})
    )
    assert not bad
    assert not {"tree", "subgoals", "nodes"} & set(block(ROW))


@pytest.mark.parametrize(
    "given",
    [
        "no json", "{}", "[]", "[1]", "[[-1, 2]]", '[[0, "root", 1, null]]', '[[-1, "a", 1, null], [1, "itself", 1, 1]]',
        '[[-1, "a", 1, null], [5, "later", 1, 1]]', '[[true, "a", 1, null]]', "[" * 10_000, 7,
    ],
)  # fmt: skip
def test_what_is_no_tree_is_left_out_and_counted(given):
    bad: Counter[str] = Counter()
    assert read_tree({"tree": given}, bad) == ()
    assert sum(bad.values()) == 1


def test_values_that_are_no_numbers_are_unknown():
    (root, child) = read_tree({"tree": '[[-1, "a", NaN, null], [0, 3, "x", Infinity]]'}, Counter())
    assert root == (-1, "a", None, None)
    assert child == (0, "3", None, None)


def test_a_large_tree_is_cut_and_its_size_is_said():
    nodes = [[-1, "root", 0.123456, None], *([0, "step " * 40, 1.0, 0.1] for _ in range(999))]
    row = block(replace(ROW, tree=read_tree({"tree": json.dumps(nodes)}, Counter())))
    assert len(row["tree"]) == MOST_NODES
    assert row["nodes"] == 1000
    assert row["tree"][0][2] == 0.123
    assert max(len(text) for _, text, *_ in row["tree"]) == 60


def test_two_hundred_large_trees_leave_the_page_small(tmp_path):
    nodes = [
        [-1, "root", 0.5, None],
        *([number // 3, f"action {number} of many", 0.25, -0.25] for number in range(400)),
    ]
    run = fake_run(tmp_path / "run", "none", 0, 4)
    frame = pl.DataFrame({
        "step": [1] * 200, "response": ["right"] * 200, "prompt": [f"at {n}" for n in range(200)],
        "tree": [json.dumps(nodes)] * 200, "subgoals": [["get the key " * 20] * 80] * 200,
    })  # fmt: skip
    for file in (run / "rollouts").glob("*.parquet"):
        file.unlink()
    frame.write_parquet(run / "rollouts" / "step-000001.parquet")
    page = render(build_model([run]))
    assert len(page.encode()) <= 2_000_000
    assert "action 7 of many" in page


def test_a_hostile_tree_is_text_on_the_page(tmp_path):
    run = fake_run(tmp_path / "run", "none", 0, 1)
    file = next((run / "rollouts").glob("*.parquet"))
    frame = pl.read_parquet(file)
    frame.with_columns(tree=pl.lit(json.dumps(TREE)), subgoals=pl.lit(["<img src=x>"])).write_parquet(file)
    page = render(build_model([run]))
    assert "open </script>" not in page
    assert "<img src=x>" not in page
    assert r"open \u003c/script\u003e" in page
