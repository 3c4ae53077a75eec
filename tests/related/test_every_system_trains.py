"""Every system of the table trains by its name, is evaluated in its own way, and resumes as if it had not been stopped."""

from __future__ import annotations

import pytest

from hicra.engines.held_out import read_evaluation
from hicra.engines.train import train
from hicra.related.systems import SYSTEMS
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from related_world import settings
from train_small import same_run

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:lexicon")]
SMALL = {
    "carl": "{n0: 2, n: 3}", "vineppo": "{group_size: 2, k: 2}", "spo_chain": "{group_size: 2, k: 2}",
    "spo_tree": "{branches: [2, 2], length: 2}", "himac": "{blueprints: 3, blueprint_tokens: 4}",
}  # fmt: skip


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_trains_and_resumes(tmp_path, start, grams, name):
    sets = settings(start, grams, system__name=name, system__settings=SMALL.get(name, "{}"), eval__problems=6)

    def run(out, steps, resume=False):
        config, _ = load_config(None, [*sets, f"train.steps={steps}"])
        train(config, out, resume=resume, say=lambda text: None, progress=lambda step, values: None)

    run(tmp_path / "whole", 3)
    run(tmp_path / "parts", 2)
    run(tmp_path / "parts", 3, resume=True)
    same_run(tmp_path / "whole", tmp_path / "parts")
    folder = RunFolder.open(tmp_path / "whole")
    for row in folder.metrics():
        assert 0 <= row["hicra/accuracy"] <= 1
        assert row["hicra/updated_actions"] >= 0
        if not name.startswith("spo"):  # whose segments may be parts of actions, and are counted one by one
            assert row["hicra/updated_actions"] <= row["hicra/generated_actions"]
        assert row["hicra/interactions"] > 0
    for stage in ("start", "final"):
        assert read_evaluation(folder)[stage]["problems"] == 6
    tables = list(folder.rollouts())
    shown = [
        table
        for table in tables
        if table["tree"].null_count() < table.height or table["subgoals"].null_count() < table.height
    ]
    assert len(shown) == len(tables) == 3
