"""The meter during training: its values by an independent computation, its steps, and that it changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trl")

import torch

import train_small
from hicra.engines.trl import HicraGRPOConfig, meter
from hicra.errors import ArtifactError, ConfigError, EngineError
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from hicra.signal.memory import SignalMemory
from train_small import grams_file, same_run
from trl_signal_by_hand import by_hand
from trl_tiny import GROUP, ID, Recorder, logged, make_model, make_trainer, parameters_hash, prompts, run, settings
from trl_two_workers import Shapes

pytestmark = pytest.mark.engine

NAMES = ("signal_planning", "signal_execution", "noise_planning", "noise_execution")

CLOCK = {"time", "runtime", "second"}


class Kept(Recorder):
    """Keeps the model as it was and the prompts of each generation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.models: list[Any] = []
        self.asked: list[dict[str, Any]] = []
        self.rows: list[int] = []  # of each forward pass of the meter
        super().__init__(*args, **kwargs)

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        out = super()._generate_and_score_completions(inputs)
        self.models.append(
            make_model()
        )  # a copy would keep the forward pass that TRL has put in the place of the model's own
        self.models[-1].load_state_dict(self.model.state_dict())
        self.asked.append({name: out[name].numpy().copy() for name in ("prompt_ids", "prompt_mask")})
        return out

    def _hicra_forward(self, model: Any, out: Any, **asked: Any) -> Any:
        self.rows.append(len(out["completion_ids"]))
        return super()._hicra_forward(model, out, **asked)


def reward(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """1 or 0; some groups have no spread."""
    return [float(sum(map(int, ids)) % 4 == 0) for ids in completion_ids]


def said_so(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """1 for a response with the planning token "so", so that there is signal on planning tokens."""
    return [float(ID["so"] in ids) for ids in completion_ids]


def values(trainer: Any) -> list[dict[str, float]]:
    """The four values of each log of a step that has any."""
    logs = [
        {name: entry.get(f"hicra/{name}") for name in NAMES} for entry in trainer.state.log_history if "loss" in entry
    ]
    assert all(None not in one.values() or set(one.values()) == {None} for one in logs)
    return logs


def close(found: dict[str, float], exact: dict[str, float]) -> bool:
    scale = max(abs(exact[f"noise_{kind}"]) + abs(exact[f"signal_{kind}"]) for kind in ("planning", "execution"))
    return all(abs(found[name] - exact[name]) <= 1e-5 * scale for name in NAMES)


# ---- the values
@pytest.mark.parametrize("rewards", ["graded", "right or wrong"])
def test_the_values_are_those_of_an_independent_computation(tmp_path: Path, rewards: str) -> None:
    more = {} if rewards == "graded" else {"rewards": reward}
    trainer = run(
        tmp_path, trainer=Kept, signal_every=1, per_device_train_batch_size=5, gradient_accumulation_steps=4,
        scale_rewards="none", **more,
    )  # fmt: skip
    assert 0 < max(trainer.rows) <= 5
    for step, found in enumerate(values(trainer)):
        batch = trainer.generations[step] | trainer.asked[step]
        assert len(batch["base"]) == 20  # five groups: 0, 2 and 4 against 1 and 3
        half = [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
        assert close(found, by_hand(trainer.models[step], batch, half))
        assert all(found[f"noise_{kind}"] > 0 for kind in ("planning", "execution"))
        if rewards != "graded":
            flat = (batch["base"].reshape(5, GROUP) == 0).all(axis=1)
            assert flat.any() or step == 0, "no group without spread, so this shows less"


def test_generations_without_a_mixed_group_have_the_value_0_and_those_without_tokens_none(tmp_path: Path) -> None:
    flat = run(tmp_path / "flat", rewards=lambda completion_ids, **_: [1.0] * len(completion_ids), signal_every=1)
    assert values(flat) == [dict.fromkeys(NAMES, 0.0)] * 2
    masked = run(
        tmp_path / "masked", signal_every=1, mask_truncated_completions=True, max_completion_length=4,
        generation_kwargs=settings(tmp_path)["generation_kwargs"] | {"min_new_tokens": 4},
    )  # fmt: skip
    cut = [row for row in masked.last_generation.arrays["response_mask"] if not row.any()]
    assert len(cut) == 8
    assert values(masked) == [dict.fromkeys(NAMES, None)] * 2


# ---- when
def test_every_so_many_th_step_is_measured(tmp_path: Path) -> None:
    trainer = run(tmp_path, signal_every=3, max_steps=7)
    assert logged(trainer, "hicra/kind_weight_planning") == []  # no method reads them
    assert [step for step, one in enumerate(values(trainer), 1) if one["signal_planning"] is not None] == [3, 6]


def test_a_generation_of_several_steps_is_measured_once_where_one_of_them_is_due(tmp_path: Path) -> None:
    trainer = run(tmp_path, trainer=Kept, signal_every=4, max_steps=8, num_iterations=2, scale_rewards="none")
    found = values(trainer)
    # steps 1 2 | 3 4 | 5 6 | 7 8: the generations of the steps 3 and 7, before either of their steps
    assert [step for step, one in enumerate(found, 1) if one["signal_planning"] is not None] == [3, 7]
    batch = trainer.generations[1] | trainer.asked[1]
    assert close(found[2], by_hand(trainer.models[1], batch, [0] * 4 + [1] * 4))


def test_evaluation_measures_nothing(tmp_path: Path) -> None:
    trainer = make_trainer(
        tmp_path, signal_every=1, extra={"eval_dataset": prompts(4)}, per_device_eval_batch_size=4,
        eval_strategy="steps", eval_steps=1,
    )  # fmt: skip
    trainer.train()
    assert trainer.hicra_meter.memory.steps == 2
    assert not [name for entry in trainer.state.log_history for name in entry if name.startswith("eval_hicra/signal")]


def test_the_cost_is_told_once(tmp_path: Path, capfd: Any) -> None:
    run(tmp_path / "on", signal_every=1, max_steps=4)
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("signal_every")]
    assert len(lines) == 1
    assert "of step 2" in lines[0]
    run(tmp_path / "off", max_steps=2)
    assert "signal_every" not in capfd.readouterr().err


# ---- nothing else changes
def with_dropout() -> Any:
    model = make_model()
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.2
    return model


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"gradient_accumulation_steps": 3, "steps_per_generation": 1}])
def test_a_measured_run_is_the_run_it_would_have_been(tmp_path: Path, options: dict[str, Any]) -> None:
    hashes, calls, rows = [], [], []
    for every in (0, 1):
        trainer = make_trainer(tmp_path / str(every), model=with_dropout(), signal_every=every, max_steps=3, **options)
        seen: list[int] = []
        weight = trainer.model.model.layers[0].mlp.up_proj.weight
        weight.register_hook(lambda slope, seen=seen: seen.append(1))
        trainer.train()
        hashes.append(parameters_hash(trainer))
        calls.append(len(seen))
        rows.append([
            {name: value for name, value in entry.items() if name[6:] not in NAMES and not CLOCK & {*name.split("_")}}
            for entry in trainer.state.log_history
        ])  # fmt: skip
        rows[-1].append(torch.rand(3).tolist())  # the state of the random numbers afterwards
    assert hashes[0] == hashes[1]
    assert calls[0] == calls[1] > 0
    assert rows[0] == rows[1]


def test_weights_that_are_frozen_or_tied(tmp_path: Path) -> None:
    def made() -> Any:
        model = make_model()
        model.config.tie_word_embeddings = True
        model.tie_weights()
        model.model.layers[0].mlp.requires_grad_(False)
        assert model.lm_head.weight is model.model.embed_tokens.weight
        return model

    trainer = run(tmp_path, trainer=Kept, model=made(), signal_every=1, max_steps=1, scale_rewards="none")
    batch = trainer.generations[0] | trainer.asked[0]
    assert close(values(trainer)[0], by_hand(made(), batch, [0] * 4 + [1] * 4))


# ---- methods that read it
def remembered(trainer: Any, step: int) -> list[float]:
    """The weights after the first `step` steps of what was logged."""
    memory = SignalMemory()
    for one in values(trainer)[:step]:
        if one["signal_planning"] is not None:
            memory.update(
                *({kind: one[f"{of}_{kind}"] for kind in ("planning", "execution")} for of in ("signal", "noise"))
            )
    return memory.weights.tolist()


@pytest.mark.parametrize("every", [0, 2])
def test_an_adaptive_method_reads_the_weights_of_the_steps_before(tmp_path: Path, every: int) -> None:
    trainer = run(
        tmp_path, "hicra_adaptive", trainer=Shapes, rewards=said_so, signal_every=every, max_steps=6,
        per_device_train_batch_size=16, scale_rewards="none",
    )  # fmt: skip
    measured = [one["signal_planning"] is not None for one in values(trainer)]
    assert measured == ([True] * 6 if every == 0 else [False, True] * 3)
    given = [made["kind_weights"].tolist() for made in trainer.shapes]
    assert given == [remembered(trainer, step) for step in range(6)]
    assert given[0] == [0.0, 0.0]
    for place, kind in enumerate(
        ("planning", "execution")
    ):  # what the method read is logged in each step, measured or not
        assert logged(trainer, f"hicra/kind_weight_{kind}") == pytest.approx([one[place] for one in given])
    assert len({one[0] for one in given}) > (2 if every == 0 else 1)
    for step, made in enumerate(trainer.shapes):
        live, base, weights = made["response_mask"], made["base"][:, None], made["kind_weights"]
        bonus = np.minimum(0.4 * made["entropies"], np.abs(base) / 2)
        share = np.minimum(1, 2 * weights / max(weights)) if step >= (every or 1) else (0, 0)
        shaped = base + np.where(made["planning_mask"], *share) * bonus
        assert np.allclose(shaped[live], made["advantages"][live], atol=1e-6)
        for kind, mask in (("planning", made["planning_mask"]), ("execution", ~made["planning_mask"])):
            before, after = (np.abs(one)[mask & live].sum() for one in (base + 0 * shaped, shaped))
            assert logged(trainer, f"hicra/weight_{kind}")[step] == pytest.approx(after / before, rel=1e-5)
    assert max(logged(trainer, "hicra/weight_planning")) > 1.1


# ---- resume
@pytest.mark.slow
def test_a_resumed_run_of_an_adaptive_method_equals_the_straight_one(tmp_path: Path) -> None:
    grams = grams_file(tmp_path)
    train_small.run(tmp_path / "straight", grams, "train.steps=6", method="hicra_adaptive")
    train_small.run(tmp_path / "resumed", grams, "train.steps=4", method="hicra_adaptive")
    train_small.run(tmp_path / "resumed", grams, "train.steps=6", method="hicra_adaptive", resume=True)
    same_run(tmp_path / "resumed", tmp_path / "straight")
    rows = RunFolder.open(tmp_path / "straight").metrics()
    assert all(row[f"hicra/{name}"] is not None for row in rows for name in NAMES)
    states = [
        json.loads((tmp_path / name / "checkpoints" / "step-000006" / "hicra_signal.json").read_text())
        for name in ("straight", "resumed")
    ]
    assert states[0] == states[1]
    assert states[0]["steps"] == 6
    assert not (tmp_path / "straight" / "final" / "hicra_signal.json").exists()


@pytest.mark.slow
def test_a_script_of_ones_own_keeps_the_memory_in_its_checkpoints(tmp_path: Path) -> None:
    options = {"rewards": said_so, "save_strategy": "steps", "save_steps": 3, "max_steps": 4}
    straight = run(tmp_path / "straight", "hicra_adaptive", **options)
    checkpoint = tmp_path / "straight" / "out" / "checkpoint-3"
    memory = SignalMemory()
    memory.load(json.loads((checkpoint / "hicra_signal.json").read_text()))
    assert memory.weights.tolist() == remembered(straight, 3) != [0.0, 0.0]
    again = make_trainer(tmp_path / "again", "hicra_adaptive", **options)
    again.train(resume_from_checkpoint=str(checkpoint))
    assert parameters_hash(again) == parameters_hash(straight)
    assert again.hicra_meter.memory.state() == straight.hicra_meter.memory.state()

    (checkpoint / "hicra_signal.json").unlink()
    with pytest.warns(UserWarning, match="the memory of the signal starts empty"):
        make_trainer(tmp_path / "less", "hicra_adaptive", **options).train(resume_from_checkpoint=str(checkpoint))
    (checkpoint / "hicra_signal.json").write_text('{"kind": "hicra.credit"}')
    with pytest.raises(ArtifactError, match=r"hicra_signal\.json holds no memory"):
        make_trainer(tmp_path / "other", "hicra_adaptive", **options).train(resume_from_checkpoint=str(checkpoint))


def test_a_run_that_measures_nothing_keeps_no_memory(tmp_path: Path) -> None:
    run(tmp_path, save_strategy="steps", save_steps=2)
    assert (tmp_path / "out" / "checkpoint-2" / "hicra_credit.json").exists()
    assert not (tmp_path / "out" / "checkpoint-2" / "hicra_signal.json").exists()


# ---- refusals at the start
@pytest.mark.parametrize("value", [-1, 1.5, True, "2"])
def test_values_that_are_no_number_of_steps_are_refused(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ConfigError, match="signal_every is"):
        HicraGRPOConfig(**settings(tmp_path, signal_every=value))


@pytest.mark.parametrize(("method", "because"), [("hicra", "signal_every is 2"), ("hicra_adaptive", "reads the meter")])
def test_one_group_in_a_generation_is_refused_at_the_start(tmp_path: Path, method: str, because: str) -> None:
    more = {"signal_every": 2} if method == "hicra" else {}
    with pytest.raises(EngineError, match=rf"{because}.* one group") as error:
        make_trainer(tmp_path, method, per_device_train_batch_size=GROUP, **more)
    assert "at least 8 rollouts" in error.value.fix
    make_trainer(tmp_path, "hicra", per_device_train_batch_size=GROUP)


@pytest.mark.parametrize("sets", [["train.signal_every=2"], ["method.name=hicra_adaptive"]])
def test_one_problem_a_step_is_refused_in_the_config(sets: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"train\.prompts_per_step is 1: give at least 2"):
        load_config(None, ["train.prompts_per_step=1", *sets])
    load_config(None, ["train.prompts_per_step=2", *sets])


def test_weights_in_parts_and_reentrant_checkpointing_are_refused_at_the_start(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, signal_every=1)
    meter._refuse(trainer, "signal_every is 1")
    state = trainer.accelerator.state
    trainer.accelerator.state = SimpleNamespace(deepspeed_plugin=SimpleNamespace(zero_stage=2))
    meter._refuse(trainer, "signal_every is 1")  # the weights themselves are whole there
    trainer.accelerator.state = SimpleNamespace(deepspeed_plugin=SimpleNamespace(zero_stage=3))
    with pytest.raises(EngineError, match="parts of the weights"):
        meter._refuse(trainer, "signal_every is 1")
    trainer.accelerator.state = state
    trainer.is_fsdp_enabled = True
    with pytest.raises(EngineError, match="parts of the weights"):
        meter._refuse(trainer, "signal_every is 1")
    trainer.is_fsdp_enabled = False
    with pytest.raises(EngineError, match="reentrant"):
        make_trainer(
            tmp_path, signal_every=1, gradient_checkpointing=True, gradient_checkpointing_kwargs={"use_reentrant": True}
        )


def test_gradient_checkpointing_that_is_not_reentrant_gives_the_same_values(tmp_path: Path) -> None:
    plain = run(tmp_path / "plain", signal_every=1)
    kept = run(
        tmp_path / "kept",
        signal_every=1,
        gradient_checkpointing=True,
        gradient_checkpointing_kwargs={"use_reentrant": False},
    )
    for one, other in zip(values(plain), values(kept), strict=True):
        assert close(one, other)


def test_images_are_refused_where_they_would_be_split_wrongly(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, signal_every=1)
    trainer.hicra_steps = range(1, 2)
    with pytest.raises(EngineError, match="pixel_values"):
        trainer.hicra_meter({"pixel_values": torch.zeros(1)}, None, None)
