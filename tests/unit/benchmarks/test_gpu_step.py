"""The script that measures a step on a GPU: its figures by hand, and its whole path at toy size on a CPU."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("trl")

import torch

import gpu_step
from gpu_models import SMALL
from gpu_turns import Step, figures


def main(monkeypatch: Any, path: Path, *arguments: str) -> int:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu_step.py", "-o", str(path), *arguments])
    return gpu_step.main()


def test_figures_by_hand() -> None:
    round_ = [
        Step("plain", 2.0, peak=70),
        Step("hicra", 2.1, 0.05, 0.1, 80),
        Step("hicra", 2.3, 0.06, 0.12, 75),
        Step("plain", 2.0),
    ]
    slower = [Step("plain", 3.0), Step("hicra", 3.0, 0.11, 0.22), Step("hicra", 3.6), Step("plain", 3.0)]
    found = figures(round_ + slower)
    assert found["overhead_of_rounds"] == [0.1, 0.1]  # 4.4 / 4 - 1 and 6.6 / 6 - 1
    assert found["overhead"] == 0.1  # 11 / 10 - 1
    assert found["tagging_share"] == 0.02  # 0.05 + 0.06 + 0.11 = 0.22 of 11
    assert found["shaping_share"] == 0.04  # 0.1 + 0.12 + 0.22 = 0.44 of 11
    assert found["peak_bytes"] == {"plain": 70, "hicra": 80}
    assert found["seconds"] == {"plain": [2.0, 2.0, 3.0, 3.0], "hicra": [2.1, 2.3, 3.0, 3.6]}
    assert figures(slower)["peak_bytes"] is None  # nothing was read from a card


def test_the_time_of_a_size_is_told_from_the_slowest_step_of_its_like() -> None:
    done = [
        {"model": SMALL[0].name, "sampler": "drawn", "B": 4, "T": 10, "seconds": {"plain": [1.0, 2.0], "hicra": [1.5]}},
        {"model": SMALL[1].name, "sampler": "drawn", "B": 1, "T": 1, "seconds": {"plain": [9.0], "hicra": [9.0]}},
    ]
    # 2 s for 40 tokens are 0.05 s a token; 8 x 10 tokens, two steps of warm-up and a round of four: 0.05 x 80 x 6
    assert gpu_step.expected(gpu_step.Cell(SMALL[0], 8, 10), done) == pytest.approx(24.0)
    assert gpu_step.expected(gpu_step.Cell(SMALL[0], 8, 10, "vllm"), done) == 0.0  # nothing is known of that sampler


def test_it_asks_for_a_gpu(monkeypatch: Any, tmp_path: Path, capsys: Any) -> None:
    assert main(monkeypatch, tmp_path / "none.json") == 2
    assert "--small" in capsys.readouterr().err
    assert not (tmp_path / "none.json").exists()


def test_it_stops_at_its_limit_with_what_it_has(monkeypatch: Any, tmp_path: Path) -> None:
    assert main(monkeypatch, tmp_path / "none.json", "--small", "--limit", "0.01") == 1
    found = json.loads((tmp_path / "none.json").read_text(encoding="utf-8"))
    assert found["sizes"] == []
    assert [one["why"] for one in found["left_out"]] == ["the time was over"] * 3


def test_a_size_that_fails_is_told_and_costs_no_other(monkeypatch: Any, tmp_path: Path) -> None:
    def measure(cell: Any, left: Any, done: list[dict[str, Any]]) -> None:
        if cell.source is SMALL[0]:
            raise RuntimeError("no such kernel")
        done.append(cell.told() | {"overhead": 0.0, "seconds": {"plain": [1.0], "hicra": [1.0]}})

    monkeypatch.setattr(gpu_step, "measure", measure)
    assert main(monkeypatch, tmp_path / "one.json", "--small") == 1
    found = json.loads((tmp_path / "one.json").read_text(encoding="utf-8"))
    assert [one["model"] for one in found["sizes"]] == [SMALL[1].name]
    assert [one["why"] for one in found["left_out"]] == ["failed: RuntimeError: no such kernel"] * 2


@pytest.mark.slow
def test_it_works_at_toy_size_on_a_cpu(monkeypatch: Any, tmp_path: Path) -> None:
    kinds: list[tuple[str, bool]] = []
    log = gpu_step.Turns.on_log

    def watched(self: Any, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if "loss" in (logs or {}):
            kinds.append((self.trainer.kind, "hicra/planning_share" in logs))
        log(self, args, state, control, logs=logs, **kwargs)

    monkeypatch.setattr(gpu_step.Turns, "on_log", watched)
    assert main(monkeypatch, tmp_path / "small.json", "--small") == 0
    found = json.loads((tmp_path / "small.json").read_text(encoding="utf-8"))
    assert found["holds"] is None  # toy sizes say nothing of the claim
    assert (found["card"], found["left_out"]) == ("none", [])
    assert {"command", "date", "versions", "seconds"} <= found.keys()
    assert [len(one["overhead_of_rounds"]) for one in found["sizes"]] == [2, 1, 1]
    assert [one["sampler"] for one in found["sizes"]][:2] == ["drawn", "drawn"]
    for one in found["sizes"]:
        assert one["precision"] == "fp32"
        assert 0 < one["tagging_share"] < one["shaping_share"] < 1
    assert found["sizes"][0]["planning_share"] > 0
    # plain, hicra, hicra, plain after one of each; what is logged says that plain steps were TRL's own
    order = ["plain", "hicra"] + ["plain", "hicra", "hicra", "plain"] * 2
    assert [kind for kind, _ in kinds[:10]] == order
    assert all((kind == "hicra") is shaped for kind, shaped in kinds)
