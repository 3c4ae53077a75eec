"""The meter by level on a real run: kinds add up to the whole gradient, and the command prints one object."""

from __future__ import annotations

import json

import pytest

from hicra.engines.train import train
from hicra.related.signal import config_of, main, measure
from hicra.runs.config import load_config
from related_world import settings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:lexicon")]


def test_a_flat_agent_has_all_of_its_signal_on_actions(tmp_path, start, grams, capsys):
    config, _ = load_config(None, settings(start, grams, system__name="grpo", train__steps=1, train__group_size=8))
    train(config, tmp_path / "run", resume=False, say=lambda text: None, progress=lambda step, values: None)
    found = measure(config_of(tmp_path / "run"), batches=4, prompts=3)
    assert list(found["kinds"]) == ["action"]
    assert found["kinds"]["action"]["share"] == 1.0 or found["kinds"]["action"]["signal"] <= 0
    assert found["rows"] == 4 * 3 * 8
    capsys.readouterr()
    given = [
        "--run",
        str(tmp_path / "run"),
        "--model",
        str(tmp_path / "run" / "final"),
        "--batches",
        "3",
        "--prompts",
        "2",
    ]
    assert main(given) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["batches"] == 3
    assert printed["kinds"]["action"]["token_share"] == 1.0
    assert main(["--run", str(tmp_path / "run"), "--batches", "1"]) == 1
    assert "no pair of batches" in capsys.readouterr().err
