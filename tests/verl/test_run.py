"""Real verl, from its own command: a local Ray, two FSDP2 workers on gloo, rollouts, advantages, updates, checkpoints.

Each run takes about a minute on two idle cores, nearly all of it imports. What a run is trained on is recorded on its way to the
actor (`verl_on_cpu/record.py`); `returns` are then the advantages that verl's `grpo` gave.
"""

import hashlib
import re

import numpy as np
import pytest
import torch

from verl_small import GRAMS, LENGTH, ORDERED, make_tokenizer, run

STEPS = 3
PLUGIN = "plugin registered with verl 0.9.1, trainer modes hicra_sync"
METRIC = re.compile(r"(hicra/\w+):(?:np\.\w+\()?(-?[\d.e+-]+)")
WORKERS = "trainer.n_gpus_per_node=2"


def keys(tree):
    return [f"{name}={value}" for name, value in tree.items()]


def train(world, name, mode, *overrides, steps=STEPS):
    """Trains, and returns what verl said and what the actor got, by step."""
    record = world / name / "record"
    text = run(
        world, f"trainer.v1.trainer_mode={mode}", f"trainer.total_training_steps={steps}",
        f"trainer.default_local_dir={world / name / 'checkpoints'}", *overrides, record=record,
    )  # fmt: skip
    return text, {int(file.stem): dict(np.load(file)) for file in record.glob("*.npz")}


def logged(text):
    """The metrics of hicra by step, from verl's own console lines."""
    lines = re.findall(r"step:(\d+) - (.*)", text)
    return {int(step): {name: float(value) for name, value in METRIC.findall(line)} for step, line in lines}


@pytest.fixture(scope="module")
def hicra(world):
    return train(
        world, "hicra", "hicra_sync", "+hicra.method=hicra", "+hicra.method_settings.alpha=0.5",
        f"+hicra.lexicon={world / 'grams.txt'}", "+hicra.loss=dual_clip", "+hicra.threads=2", "trainer.save_freq=1",
        "trainer.resume_mode=auto",
    )  # fmt: skip


@pytest.fixture(scope="module")
def plain(world):
    return train(world, "plain", "sync", *keys(ORDERED), "trainer.save_freq=2", steps=2)


@pytest.fixture(scope="module")
def alpha_0(world):
    return train(
        world, "alpha_0", "hicra_sync", *keys(ORDERED), "+hicra.method=hicra", "+hicra.method_settings.alpha=0.0",
        f"+hicra.lexicon={world / 'grams.txt'}", "trainer.save_freq=2", steps=2,
    )  # fmt: skip


def naive(ids, live):
    """Planning tokens [B,T], found word by word in plain Python: here each word is one token."""
    tokenizer = make_tokenizer()
    found = np.zeros(ids.shape, bool)
    for row, (tokens, on) in enumerate(zip(ids, live, strict=True)):
        said = [tokenizer.decode([token]).strip() if one else None for token, one in zip(tokens, on, strict=True)]
        for gram in (gram.split() for gram in GRAMS):
            for start in range(len(said) - len(gram) + 1):
                if said[start : start + len(gram)] == gram:
                    found[row, start : start + len(gram)] = True
    return found


def test_shaped_and_unshaped_advantages_differ_exactly_on_the_mask(hicra):
    _, steps = hicra
    assert sorted(steps) == list(range(1, STEPS + 1))
    changed = 0
    for arrays in steps.values():
        live, mask = arrays["response_mask"] != 0, arrays["planning_mask"] != 0
        assert np.array_equal(mask, naive(arrays["responses"], live))
        before, after = arrays["returns"], arrays["advantages"]
        assert np.array_equal(after, np.where(mask, before + np.float32(0.5) * abs(before), before))
        changed += int((after != before).sum())
        assert [key.rsplit("_", 2)[0] for key in arrays["keys"]] == arrays["uid"].tolist()
    assert changed > 5


def test_verls_own_log_has_the_metrics_of_the_arrays_that_were_trained_on(hicra):
    text, steps = hicra
    values = logged(text)
    for step, arrays in steps.items():
        live, mask = arrays["response_mask"] != 0, arrays["planning_mask"] != 0
        # verl rounds nothing in the console, and hicra sums in float64
        expected = {
            "hicra/planning_share": mask.sum() / live.sum(), "hicra/length": live.sum() / len(live),
            "hicra/changed_share": (arrays["advantages"] != arrays["returns"])[live].sum() / live.sum(),
            "hicra/advantage_mean_before": arrays["returns"][live].mean(dtype=float),
            "hicra/advantage_mean_after": arrays["advantages"][live].mean(dtype=float),
            "hicra/reward": arrays["rm_scores"].sum(axis=1).mean(), "hicra/entropy_planning": arrays["entropy"][mask].mean(),
            "hicra/ppl_execution": np.exp(-arrays["old_log_probs"][live & ~mask].mean()),
            "hicra/accuracy": np.mean(np.round(arrays["rm_scores"].sum(axis=1) * 7) % 2),
        }  # fmt: skip
        for name, value in expected.items():
            assert values[step][name] == pytest.approx(value, rel=1e-4, abs=1e-6), name
        assert live.sum(axis=1).max() <= LENGTH


def test_a_line_says_in_every_process_that_the_plugin_is_registered(hicra):
    text, _ = hicra
    said = [line for line in text.splitlines() if PLUGIN in line]
    processes = {re.search(r"pid=(\d+)", line)[1] for line in said if "pid=" in line}
    assert len(processes) >= 5  # driver of the run, two workers, agent loop, reward, two servers
    line = next(line for line in text.splitlines() if "hicra {'alpha': 0.5} after verl's grpo, lexicon grams" in line)
    assert line.endswith("loss dual_clip, 2 threads")


def test_the_workers_train_with_the_loss_that_is_named(hicra):
    text, _ = hicra
    lines = re.findall(r"step:\d+ - (.*)", text)
    assert len(lines) == STEPS
    for line in lines:
        assert "actor/ppo_kl" in line
        assert "actor/pg_clipfrac" not in line  # which verl's own losses log, and this one does not


def test_a_second_run_resumes_where_the_first_ended(world, hicra):
    text, steps = train(
        world, "hicra", "hicra_sync", "+hicra.method=hicra", "+hicra.method_settings.alpha=0.5",
        f"+hicra.lexicon={world / 'grams.txt'}", "+hicra.loss=dual_clip", "+hicra.threads=2", "trainer.resume_mode=auto",
        steps=STEPS + 1,
    )  # fmt: skip
    assert sorted(logged(text)) == [STEPS + 1]
    assert f"global_step_{STEPS}, setting global step to {STEPS}" in text
    assert sorted(steps) == list(range(1, STEPS + 2))
    assert logged(text)[STEPS + 1]["hicra/planning_share"] > 0


def weights(world, name):
    """A hash of every weight and of the optimizer's state, over both workers."""
    digest = hashlib.sha256()
    files = sorted((world / name / "checkpoints" / "global_step_2" / "actor").glob("*_world_size_2_rank_*.pt"))
    assert len([file for file in files if file.name.startswith("model")]) == 2
    for file in files:
        if file.name.startswith(("model", "optim")):
            _add(digest, torch.load(file, weights_only=False))
    return digest.hexdigest()


def _add(digest, value):
    if hasattr(value, "to_local"):
        value = value.to_local()
    if torch.is_tensor(value):
        digest.update(value.contiguous().numpy().tobytes())
    elif isinstance(value, dict):
        for key in sorted(value, key=str):
            digest.update(str(key).encode())
            _add(digest, value[key])
    elif isinstance(value, list | tuple):
        for one in value:
            _add(digest, one)
    else:
        digest.update(repr(value).encode())


def test_at_alpha_0_a_run_equals_verls_own_bit_for_bit(world, plain, alpha_0):
    for step in (1, 2):
        ours, theirs = alpha_0[1][step], plain[1][step]
        for name in ("responses", "advantages", "old_log_probs", "rm_scores"):
            assert ours[name].tobytes() == theirs[name].tobytes(), f"{name} of step {step}"
        assert ours["advantages"].any()
        assert ours["planning_mask"].any()
    assert weights(world, "alpha_0") == weights(world, "plain")
    assert logged(alpha_0[0])[2]["hicra/changed_share"] == 0
    assert not logged(plain[0])[2]
