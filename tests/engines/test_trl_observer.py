"""A callback that diagnoses any GRPOTrainer: weights as in the run without it, figures as those of hicra's trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from trl import GRPOTrainer, RLOOTrainer

from hicra.compare.compare import compare
from hicra.engines.trl import HicraGRPOTrainer, HicraObserver
from hicra.errors import ConfigError, EngineError
from hicra.report import build_report
from hicra.runs import RunFolder
from trl_tiny import (
    TOKENIZER,
    lexicon_file,
    logged,
    make_model,
    make_trainer,
    naive_mask,
    parameters_hash,
    prompts,
    reward,
    run,
    settings,
)

pytestmark = pytest.mark.engine
OPTIONS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "buffered": {"per_device_train_batch_size": 4, "steps_per_generation": 2, "num_iterations": 2, "max_steps": 4},
    "sequence level": {"importance_sampling_level": "sequence", "loss_type": "grpo"},
}


def observed(folder: Path, trainer: Any, run_dir: str | None = None, **more: Any) -> Any:
    trainer.add_callback(HicraObserver(trainer, run_dir, lexicon=lexicon_file(folder), **more))
    trainer.train()
    return trainer


@pytest.mark.parametrize("option", OPTIONS)
def test_the_weights_are_those_of_the_run_without_it(tmp_path: Path, option: str) -> None:
    plain = run(tmp_path, None, **OPTIONS[option])
    seen = observed(tmp_path, make_trainer(tmp_path, None, **OPTIONS[option]), str(tmp_path / "run"), signal_every=1)
    assert parameters_hash(seen) == parameters_hash(plain)
    assert type(seen) is GRPOTrainer  # again
    for before, after in zip(plain.state.log_history, seen.state.log_history, strict=True):
        theirs = {key: value for key, value in after.items() if not key.startswith("hicra/")}
        assert theirs.keys() == before.keys()
        assert all(theirs[key] == before[key] for key in theirs if key not in ("step_time", "train_runtime")
                   and "per_second" not in key)  # fmt: skip


def test_its_figures_are_those_of_the_trainer_of_hicra(tmp_path: Path) -> None:
    """With the method `none` that one trains as plain GRPO does, and its figures are recomputed in test_trl_metrics."""
    options = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "signal_every": 1}
    mine = run(tmp_path / "mine", "none", **options)
    del options["signal_every"]
    seen = observed(tmp_path / "seen", make_trainer(tmp_path / "seen", None, **options), signal_every=1)
    names = {name for entry in mine.state.log_history for name in entry if name.startswith("hicra/")}
    assert {"hicra/planning_share", "hicra/entropy_planning", "hicra/signal_planning", "hicra/pass_at_4"} <= names
    of_the_guard = {"hicra/steps_refused", "hicra/steps_without_gradient"}  # it watches no step
    for name in names - of_the_guard:
        assert logged(seen, name) == logged(mine, name), name
    assert not of_the_guard & {name for entry in seen.state.log_history for name in entry}
    assert logged(seen, "hicra/changed_share") == [0.0, 0.0]


def test_its_run_folder_is_read_beside_that_of_a_hicra_run(tmp_path: Path) -> None:
    trainer = observed(tmp_path, make_trainer(tmp_path, None, max_steps=3), str(tmp_path / "plain"))
    run(tmp_path, "hicra", run_dir=str(tmp_path / "hicra"), max_steps=3)
    folder = RunFolder.open(tmp_path / "plain")
    assert (folder.method, folder.seed) == ("none", 3)
    assert folder.manifest["inputs"] == {"lexicon": trainer.hicra_lexicon.content_hash}
    assert folder.config["lexicon"] == lexicon_file(tmp_path)
    rows = folder.metrics()
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert [row["hicra/planning_share"] for row in rows] == logged(trainer, "hicra/planning_share")
    assert [row["hicra/steps_refused"] for row in rows] == [None] * 3
    first = next(folder.rollouts())
    for ids, mask, entropies in first.select("token_ids", "planning_mask", "entropies").iter_rows():
        assert [bool(one) for one in mask] == naive_mask(ids)
        assert len(entropies) == len(ids)
    assert first["planning_mask"].explode().cast(pl.Int64).sum() > 0
    runs = [tmp_path / "plain", tmp_path / "hicra"]
    build_report(runs, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert [one["arm"] for one in compare(runs, baseline="none", metric="hicra/accuracy")["comparisons"]] == ["hicra"]


def test_a_resumed_run_goes_on_in_its_folder(tmp_path: Path) -> None:
    saves = {"save_strategy": "steps", "save_steps": 2, "lr_scheduler_type": "constant"}
    observed(tmp_path, make_trainer(tmp_path, None, max_steps=3, **saves), str(tmp_path / "run"))
    again = make_trainer(tmp_path, None, max_steps=4, **saves)
    again.add_callback(HicraObserver(again, tmp_path / "run", lexicon=lexicon_file(tmp_path)))
    again.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-2"))
    assert [row["step"] for row in RunFolder.open(tmp_path / "run").metrics()] == [1, 2, 3, 4]
    assert again.last_generation.arrays["group_ids"].min() == 24  # three generations of eight rollouts before it


def test_it_reads_a_trainer_that_the_mixin_is_refused_for(tmp_path: Path) -> None:
    """TRL's GMPOTrainer takes one advantage a rollout; the observer leaves it that."""
    gmpo = pytest.importorskip("trl.experimental.gmpo")

    def made() -> Any:
        return gmpo.GMPOTrainer(
            model=make_model(), reward_funcs=reward, args=gmpo.GMPOConfig(**settings(tmp_path)),
            train_dataset=prompts(), processing_class=TOKENIZER,
        )  # fmt: skip

    plain = made()
    plain.train()
    seen = observed(tmp_path, made())
    assert parameters_hash(seen) == parameters_hash(plain)
    assert len(logged(seen, "hicra/entropy_planning")) == 2


def test_infinite_and_missing_rewards_do_not_stop_it(tmp_path: Path) -> None:
    def odd(completion_ids: list[list[int]], **_: Any) -> list[float | None]:
        return [float("inf") if row == 1 else None if row == 2 else row % 2 for row in range(len(completion_ids))]

    seen = observed(tmp_path, make_trainer(tmp_path, None, rewards=odd, max_steps=1))
    assert logged(seen, "hicra/accuracy") == [pytest.approx(3 / 6)]  # rows 3, 5, 7 of the six with a finite reward


# ---- what is refused


def test_a_trainer_of_hicra_is_not_observed_a_second_time(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="HicraGRPOTrainer is read by hicra already") as error:
        HicraObserver(make_trainer(tmp_path))
    assert "run_dir" in error.value.fix
    plain = make_trainer(tmp_path, None)
    HicraObserver(plain)
    with pytest.raises(EngineError, match="GRPOTrainer is read by hicra already"):
        HicraObserver(plain)


def test_another_trainer_is_refused_by_name() -> None:
    with pytest.raises(EngineError, match="RLOOTrainer is none of them") as error:
        HicraObserver(object.__new__(RLOOTrainer))
    assert "hicra diagnose" in error.value.fix


def test_a_run_folder_needs_a_log_a_step_and_a_lexicon_that_exists(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, None, logging_steps=2)
    with pytest.raises(ConfigError, match="run_dir gets a line of metrics for each step, and logging_steps is 2"):
        HicraObserver(trainer, tmp_path / "run")
    with pytest.raises(ConfigError, match="did you mean 'paper'"):
        HicraObserver(make_trainer(tmp_path, None), lexicon="papre")


def test_a_loss_that_computes_by_a_way_of_its_own_is_named_at_the_first_step(tmp_path: Path) -> None:
    class Own(GRPOTrainer):  # type: ignore[misc]
        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            return next(iter(model.parameters())).sum()

    trainer = make_trainer(tmp_path, None)
    trainer.__class__ = Own
    with pytest.raises(EngineError, match="the loss of ObservedOwn computes its log-probabilities"):
        observed(tmp_path, trainer)
    assert issubclass(HicraGRPOTrainer, GRPOTrainer)
