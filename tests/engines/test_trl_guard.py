"""Steps with a loss, gradient or weight that is not finite are not taken; steps without a gradient are counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from trl import GRPOTrainer

from hicra.engines.trl import HicraMixin
from hicra.errors import EngineError
from trl_tiny import logged, make_model, make_trainer, parameters_hash, reward, run

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore:step .* is not applied")]


class Breaks(GRPOTrainer):  # type: ignore[misc]
    """TRL's trainer with a fault in the micro-steps of `breaks`, counted from 0."""

    breaks: tuple[int, ...] = ()
    how = "loss"

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        loss = super()._compute_loss(model, inputs)
        if not model.training or self._micro() not in self.breaks:
            return loss
        if self.how == "loss":
            return loss * float("nan")
        weight = next(iter(model.parameters()))
        weight.register_hook(lambda grad: torch.full_like(grad, float("inf")))
        return loss + 0 * weight.sum()

    def _micro(self) -> int:
        self.micro = getattr(self, "micro", -1) + 1
        return self.micro


class Guarded(HicraMixin, Breaks):
    pass


def broken(folder: Path, breaks: tuple[int, ...], how: str = "loss", **options: Any) -> Any:
    trainer = make_trainer(folder, trainer=Guarded, **options)
    trainer.breaks, trainer.how = breaks, how
    return trainer


def values_of(trainer: Any) -> list[torch.Tensor]:
    return [value.detach().clone() for value in trainer.model.parameters()]


@pytest.mark.parametrize("how", ["loss", "gradient"])
@pytest.mark.parametrize("clip", [1.0, 0.0])
def test_a_step_that_is_not_finite_is_not_applied(tmp_path: Path, how: str, clip: float) -> None:
    trainer = broken(tmp_path, (0, 1), how, max_steps=2, max_grad_norm=clip)
    before = values_of(trainer)
    with pytest.warns(UserWarning, match=f"step 2 is not applied: the {how} is not finite"):
        trainer.train()
    assert all(torch.equal(old, new) for old, new in zip(before, trainer.model.parameters(), strict=True))
    assert logged(trainer, "hicra/steps_refused") == [1.0, 1.0]
    assert logged(trainer, "hicra/steps_without_gradient") == [0.0, 0.0]


def test_one_micro_batch_of_an_accumulated_step_refuses_it_whole(tmp_path: Path) -> None:
    halves = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "max_steps": 2, "logging_steps": 2}
    trainer = broken(tmp_path, (1,), **halves)  # the second half of the first step
    states = []
    real = trainer.hicra_guard.on_step_end

    def on_step_end(*args: Any, **kwargs: Any) -> Any:
        states.append(parameters_hash(trainer))
        return real(*args, **kwargs)

    trainer.hicra_guard.on_step_end = on_step_end
    start = parameters_hash(trainer)
    trainer.train()
    assert states[0] == start != states[1]
    assert logged(trainer, "hicra/steps_refused") == [1.0]  # of the two steps since the last log


def test_training_goes_on_after_a_refused_step_and_the_loss_is_logged_again(tmp_path: Path) -> None:
    trainer = broken(tmp_path, (1,), max_steps=4, logging_nan_inf_filter=False)
    before = parameters_hash(trainer)
    trainer.train()
    assert logged(trainer, "hicra/steps_refused") == [0.0, 1.0, 0.0, 0.0]
    assert [value == value for value in logged(trainer, "loss")] == [True, False, True, True]
    assert all(torch.isfinite(value).all() for value in trainer.model.parameters())
    assert parameters_hash(trainer) != before


def test_a_refused_step_leaves_the_optimizer_as_it_was(tmp_path: Path) -> None:
    """Neither the moments nor the step count of Adam move, or its bias correction would drift."""
    trainer = broken(tmp_path, (1,), max_steps=2)
    trainer.train()
    states = trainer.optimizer.state_dict()["state"].values()
    assert {float(state["step"]) for state in states} == {1.0}
    assert all(torch.isfinite(state["exp_avg"]).all() for state in states)


def test_three_in_a_row_end_the_run_by_name_and_without_a_checkpoint(tmp_path: Path) -> None:
    trainer = broken(tmp_path, tuple(range(1, 9)), max_steps=8, save_strategy="steps", save_steps=1)
    with pytest.raises(
        EngineError, match=r"3 optimiser steps in a row were refused, the last at step 4: the loss"
    ) as error:
        trainer.train()
    assert "lower the learning rate" in error.value.fix
    assert logged(trainer, "hicra/steps_refused") == [0.0, 1.0, 1.0, 1.0]
    saved = sorted(path.name for path in (tmp_path / "out").glob("checkpoint-*"))
    assert saved == ["checkpoint-1", "checkpoint-2", "checkpoint-3"]  # all of finite weights, none of the last step


OWN_LOSS = """
def breaks(logps, old_logps, advantages, mask, batch):
    return -advantages * logps / (0.0 if logps.shape[1] > 5 else 1.0)
"""


def test_a_loss_of_ones_own_is_named_where_it_breaks_in_the_run_alone(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "own_loss_of_a_test.py").write_text(OWN_LOSS)
    monkeypatch.syspath_prepend(str(tmp_path))
    trainer = make_trainer(tmp_path, policy_loss="own_loss_of_a_test:breaks", max_steps=4)
    with pytest.raises(EngineError, match="the loss 'own_loss_of_a_test:breaks' is not finite") as error:
        trainer.train()
    assert error.value.fix.startswith("look at what own_loss_of_a_test:breaks divides by")


def test_two_and_one_do_not_make_three(tmp_path: Path) -> None:
    broken(tmp_path, (0, 1, 3, 4), max_steps=5).train()


def test_a_rate_that_ruins_the_weights_leaves_them_as_they_were(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, learning_rate=1e38, max_steps=4, lr_scheduler_type="constant", weight_decay=1.0)
    before = values_of(trainer)
    with pytest.raises(EngineError, match="steps in a row were refused.*a weight is not finite"):
        trainer.train()
    assert all(torch.equal(old, new) for old, new in zip(before, trainer.model.parameters(), strict=True))


def test_weights_that_something_else_ruined_end_the_run_before_they_are_saved(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, max_steps=3, save_strategy="steps", save_steps=1)
    real = trainer.hicra_guard.on_pre_optimizer_step

    def ruins(args: Any, state: Any, *rest: Any, **kwargs: Any) -> Any:
        if state.global_step == 1:
            next(iter(trainer.model.parameters())).data.fill_(float("nan"))
        return real(args, state, *rest, **kwargs)

    trainer.hicra_guard.on_pre_optimizer_step = ruins
    with pytest.raises(EngineError, match="an optimiser step was refused, the last at step 2: a weight is not finite"):
        trainer.train()
    assert [path.name for path in (tmp_path / "out").glob("checkpoint-*")] == ["checkpoint-1"]


# ---- no gradient
def equal(completion_ids: list[list[int]], **_: Any) -> list[float]:
    return [1.0] * len(completion_ids)


def equal_from_the_second_step_on(*, calls: list[int]) -> Any:
    def score(completion_ids: list[list[int]], **_: Any) -> list[float]:
        calls.append(1)
        return reward(completion_ids) if len(calls) == 1 else [1.0] * len(completion_ids)

    return score


def test_steps_without_a_gradient_are_counted(tmp_path: Path) -> None:
    trainer = run(tmp_path, rewards=equal_from_the_second_step_on(calls=[]), max_steps=3)
    assert logged(trainer, "hicra/steps_without_gradient") == [0.0, 1.0, 1.0]
    assert logged(trainer, "hicra/steps_refused") == [0.0, 0.0, 0.0]


def test_the_momentum_moves_the_weights_as_in_plain_trl_unless_they_are_to_be_skipped(tmp_path: Path) -> None:
    def trained(method: str | None, steps: int, skip: bool = False) -> str:
        trainer = make_trainer(tmp_path, method, rewards=equal_from_the_second_step_on(calls=[]), max_steps=steps,
                               lr_scheduler_type="constant")  # fmt: skip
        if skip:
            trainer.hicra_guard.skip = True
        trainer.train()
        return parameters_hash(trainer)

    plain = trained(None, 3)
    assert trained("none", 3) == plain  # the mixin never skips by itself
    assert trained("none", 1) != plain
    assert trained("none", 3, skip=True) == trained("none", 1)


def test_all_groups_equal_from_the_start_move_nothing(tmp_path: Path) -> None:
    trainer = run(tmp_path, rewards=equal, max_steps=1)
    assert logged(trainer, "hicra/steps_without_gradient") == [1.0]
    assert parameters_hash(trainer) == parameters_hash(make_trainer(tmp_path, model=make_model()))
