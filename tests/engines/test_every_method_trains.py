"""Every baseline, shaper and loss of the tables trains three steps of plan_execute by its name, four problems a step.

One attempt in place of two halves the length of a rollout; the shipped warm start knows that task too.
"""

from __future__ import annotations

import json
import math

import pytest

pytest.importorskip("trl")

from hicra.credit import BASELINES, LOSSES, METHODS
from hicra.engines.shaping import GIVEN
from hicra.engines.train import train
from hicra.errors import ConfigError
from hicra.runs.config import load_config
from paths import ROOT

pytestmark = pytest.mark.engine

SMALL = [
    "task.settings={attempts: 1, nouns: 6}", "train.steps=3", "train.save_steps=3", "train.prompts_per_step=4",
    "train.group_size=4", "train.keep_checkpoints=1", "eval.problems=0", "log.rollouts_every=0",
]  # fmt: skip
WAYS = [
    *(("baseline.name", name) for name in BASELINES),
    *(("method.name", name) for name in METHODS),
    *(("loss.name", name) for name in LOSSES),
]


def entry(key, name):
    return {"baseline.name": BASELINES, "method.name": METHODS, "loss.name": LOSSES}[key][name]


def steps(out, *sets):
    config, _ = load_config(ROOT / "recipes" / "plan-execute" / "config.yaml", [*SMALL, "method.settings={}", *sets])
    train(config, out, resume=False, say=lambda line: None, progress=lambda step, values: None)
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("key", "name"), WAYS, ids=[f"{key.split('.')[0]}-{name}" for key, name in WAYS])
def test_it_trains_three_steps_by_its_name(key, name, tmp_path):
    sets = [f"{key}={name}"]
    if getattr(entry(key, name), "by_response", False):
        with pytest.warns(UserWarning, match="averaged away"):
            steps(tmp_path / "warned", *sets)
        sets.append("method.name=none")
    if missing := [field for field in entry(key, name).needs if field not in GIVEN]:
        with pytest.raises(ConfigError, match=rf"'({'|'.join(missing)})'"):
            steps(tmp_path / "run", *sets)
        return
    rows = steps(tmp_path / "run", *sets)
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert all(math.isfinite(row["loss"]) and math.isfinite(row["grad_norm"]) for row in rows)
    assert sum(row["hicra/steps_refused"] for row in rows) == 0
    assert max(row["grad_norm"] for row in rows) > 0
    assert (tmp_path / "run" / "final" / "model.safetensors").exists()


def test_shapers_and_losses_differ_from_plain_grpo(tmp_path):
    """The first step starts from one model and one batch, so a norm of the gradient that differs is the method's doing."""
    plain = steps(tmp_path / "plain", "method.name=none", "train.steps=1", "train.save_steps=1")
    for number, sets in enumerate((["method.name=hicra"], ["baseline.name=rloo"], ["loss.settings={mean: responses}"])):
        other = steps(tmp_path / str(number), "method.name=none", "train.steps=1", "train.save_steps=1", *sets)
        assert other[0]["hicra/accuracy"] == plain[0]["hicra/accuracy"]
        assert other[0]["grad_norm"] != plain[0]["grad_norm"]


def test_shapers_are_applied_in_their_order(tmp_path):
    """Forking tokens first leaves HICRA fewer tokens to amplify; the two commute, so their order shows in the record alone."""
    rows = steps(tmp_path / "a", "method.name=hicra", "method.then=[{name: forking_tokens, settings: {rho: 0.3}}]")
    assert all(row["hicra/changed_share"] > 0 for row in rows if row["hicra/mixed_groups"])
    beside = json.loads((tmp_path / "a" / "final" / "hicra_credit.json").read_text())
    assert [one["name"] for one in beside["shapers"]] == ["hicra", "forking_tokens"]
    assert (beside["baseline"]["name"], beside["loss"]["name"]) == ("dr_grpo", "clip")
