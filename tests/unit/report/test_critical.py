"""The page shows which tokens were chosen at critical steps, where the rollouts of a run say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra.report.build import build_model
from hicra.report.pack import pack
from hicra.runs import RunFolder

ROW: dict[str, Any] = {"step": 1, "id": "a", "response": "left right", "token_ends": [4, 10], "critical_mask": [0, 1]}


@pytest.mark.parametrize(
    ("more", "labels"),
    [
        ({}, ("other", "critical")),
        ({"labels": ["plan", "execute"]}, ("plan", "execute")),  # what the task itself says goes before it
        ({"critical_mask": None}, ()),
    ],
)
def test_tokens_are_labelled_by_whether_their_step_is_critical(
    tmp_path: Path, more: dict[str, Any], labels: tuple[str, ...]
) -> None:
    run = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    run.write_rollouts(1, pl.DataFrame([ROW | more]))
    model = build_model([tmp_path / "run"])
    (rollout,) = model.rollouts
    assert rollout.labels == labels
    block = json.loads(pack(model, 10**6)[0])
    assert sorted(block["labels"]) == sorted({*labels})


def test_a_mask_that_does_not_fit_is_left_out_and_told(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path / "run", method="none", seed=0, config={})
    run.write_rollouts(1, pl.DataFrame([ROW | {"critical_mask": [1]}]))
    model = build_model([tmp_path / "run"])
    assert model.rollouts[0].labels == ()
    assert any("critical_mask is left out" in note for note in model.notes)
