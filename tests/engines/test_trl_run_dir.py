"""A script on TRL gets what `hicra train` writes by one field, and its weights say what they were trained with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra.compare.compare import compare
from hicra.engines.trl import HicraGRPOConfig
from hicra.engines.trl.writer import of_trl
from hicra.errors import ArtifactError, ConfigError
from hicra.report import build_report
from hicra.runs import RunFolder
from hicra.runs.arms import name_arms
from scripts import script
from trl_tiny import ID, TOKENIZER, logged, make_model, make_trainer, run, settings

pytestmark = pytest.mark.engine
SAVES = {"save_strategy": "steps", "save_steps": 2, "max_steps": 4, "lr_scheduler_type": "constant"}


def test_one_field_writes_a_run_folder(tmp_path: Path) -> None:
    trainer = run(tmp_path, "placebo", {"alpha": 0.1}, run_dir=str(tmp_path / "run"), max_steps=3, temperature=0.9)
    folder = RunFolder.open(tmp_path / "run")
    assert (folder.method, folder.seed) == ("placebo", 3)
    assert folder.config["method"] == {"name": "placebo", "settings": {"alpha": 0.1, "seed": 0}, "then": []}
    assert folder.config["task"] == {"name": "reward"}
    assert {key: folder.config["train"][key] for key in ("steps", "group_size", "prompts_per_step", "temperature")} == {
        "steps": 3, "group_size": 4, "prompts_per_step": 2, "temperature": 0.9,
    }  # fmt: skip
    assert folder.manifest["inputs"]["lexicon"] == trainer.hicra_lexicon.content_hash
    rows = folder.metrics()
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert [row["hicra/planning_share"] for row in rows] == logged(trainer, "hicra/planning_share")
    assert {"hicra/pass_at_1", "hicra/pass_at_4", "hicra/steps_refused"} <= rows[0].keys()
    assert [frame["step"][0] for frame in folder.rollouts()] == [1, 3]  # the first, every tenth, and the last
    assert next(folder.rollouts()).height == 8
    assert not list(tmp_path.glob(".*"))  # the lock is given back


def test_a_generation_of_several_steps_is_saved_for_each_of_them(tmp_path: Path) -> None:
    """Two micro-batches a generation, each a step, gone through twice: steps 1 to 4, and 5 to 8.

    Steps 2 and 6 are the first that have seen all of their rollouts. Saved are those of step 1 and those of step 8, the last.
    """
    options = {"per_device_train_batch_size": 4, "steps_per_generation": 2, "num_iterations": 2, "max_steps": 8}
    run(tmp_path, run_dir=str(tmp_path / "run"), **options)
    frames = list(RunFolder.open(tmp_path / "run").rollouts())
    assert [(frame["step"][0], frame.height, frame["group_id"][0]) for frame in frames] == [(2, 8, "0"), (6, 8, "8")]


def test_a_response_may_end_with_either_end_token_of_a_model(tmp_path: Path) -> None:
    model, ends = make_model(), [TOKENIZER.eos_token_id, ID["one"]]
    model.generation_config.eos_token_id = ends
    trainer = run(tmp_path, model=model, run_dir=str(tmp_path / "run"), max_steps=1)
    frame = next(RunFolder.open(tmp_path / "run").rollouts())
    last = [row[-1] for row in frame["token_ids"].to_list()]
    assert frame["truncated"].to_list() == [token not in ends for token in last]
    assert trainer.last_generation.arrays["truncated"].tolist() == frame["truncated"].to_list()
    if hasattr(trainer, "eos_token_ids"):  # older versions of TRL stop at the tokenizer's alone
        assert set(last) > set(ends)


def test_the_report_and_the_comparison_read_it(tmp_path: Path) -> None:
    for method in ("none", "hicra"):
        run(tmp_path / method, method, run_dir=str(tmp_path / "runs" / method))
    runs = [tmp_path / "runs" / method for method in ("none", "hicra")]
    found = compare(runs, baseline="none", metric="hicra/accuracy")
    assert [one["arm"] for one in found["comparisons"]] == ["hicra"]
    build_report(runs, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_runs_that_differ_in_an_option_of_trl_are_two_arms(tmp_path: Path) -> None:
    options: dict[str, dict[str, Any]] = {
        "one": {},
        "two": {
            "importance_sampling_level": "sequence", "lr_scheduler_type": "cosine",
            "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "steps_per_generation": 4,
        },
    }  # fmt: skip
    found = {name: of_trl(HicraGRPOConfig(**settings(tmp_path, **given))) for name, given in options.items()}
    # four micro-batches of a generation, two of a step
    changed = {
        "importance_sampling_level": "sequence",
        "lr_scheduler_type": "cosine",
        "optimiser_steps_per_generation": 2,
    }
    assert found == {"one": {}, "two": changed}
    runs = [
        RunFolder.create(tmp_path / name, method="hicra", seed=seed, config={"trl": found[name]})
        for seed, name in enumerate(found)
    ]
    assert name_arms(runs) == [
        f"hicra(trl.importance_sampling_level={level}, trl.lr_scheduler_type={rate}, trl.optimiser_steps_per_generation={steps})"
        for level, rate, steps in (("absent", "absent", "absent"), ("sequence", "cosine", "2"))
    ]


def test_a_resumed_script_goes_on_in_its_folder(tmp_path: Path) -> None:
    straight = run(tmp_path / "straight", run_dir=str(tmp_path / "one"), **SAVES)
    first = make_trainer(tmp_path / "straight", run_dir=str(tmp_path / "two"), **(SAVES | {"max_steps": 3}))
    first.train()  # three steps, the last of which has no checkpoint
    again = make_trainer(tmp_path / "straight", run_dir=str(tmp_path / "two"), **SAVES)
    again.train(resume_from_checkpoint=str(tmp_path / "straight" / "out" / "checkpoint-2"))
    one, two = (RunFolder.open(tmp_path / name).metrics() for name in ("one", "two"))
    assert [row["step"] for row in two] == [1, 2, 3, 4]
    same = ("loss", "hicra/reward", "hicra/planning_share", "hicra/entropy_planning", "hicra/steps_refused")
    assert [[row[name] for name in same] for row in one] == [[row[name] for name in same] for row in two]
    assert straight.state.global_step == 4


def test_another_training_is_refused_at_the_resume(tmp_path: Path) -> None:
    run(tmp_path, run_dir=str(tmp_path / "run"), **SAVES)
    again = make_trainer(tmp_path, "hicra", {"alpha": 0.4}, run_dir=str(tmp_path / "run"), **SAVES)
    with pytest.raises(ArtifactError, match=r"made with method.settings.alpha = 0.2, this training has 0.4") as error:
        again.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-2"))
    assert "another run_dir" in error.value.fix
    assert len(RunFolder.open(tmp_path / "run").metrics()) == 4


def test_other_code_of_ones_own_is_refused_at_the_resume(tmp_path: Path, monkeypatch: Any) -> None:
    file = tmp_path / "own_code_of_run_dir.py"
    file.write_text("def shape(advantages, batch):\n    return advantages\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    run(tmp_path, "own_code_of_run_dir:shape", run_dir=str(tmp_path / "run"), **SAVES)
    file.write_text(file.read_text() + "# changed\n")
    again = make_trainer(tmp_path, "own_code_of_run_dir:shape", run_dir=str(tmp_path / "run"), **SAVES)
    with pytest.raises(ArtifactError, match="made with another method, whose file has changed since"):
        again.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-2"))


def test_another_content_of_the_lexicon_is_refused_at_the_resume(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("so\nthe\nof\nlet\n", encoding="utf-8")
    options = SAVES | {"run_dir": str(tmp_path / "run"), "lexicon": str(file), "max_steps": 2}
    run(tmp_path, **options)
    file.write_text("so\nthe\n", encoding="utf-8")  # the name in the config is the same
    again = make_trainer(tmp_path, **(options | {"max_steps": 4}))
    with pytest.raises(ArtifactError, match="made with another lexicon, whose file has changed since"):
        again.train(resume_from_checkpoint=str(tmp_path / "out" / "checkpoint-2"))
    assert len(RunFolder.open(tmp_path / "run").metrics()) == 2


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    run(tmp_path, run_dir=str(tmp_path / "run"), max_steps=1)
    with pytest.raises(ArtifactError, match="already exists") as error:
        run(tmp_path, run_dir=str(tmp_path / "run"), max_steps=1)
    assert error.value.fix == "remove it, or choose another run_dir"


def test_refused_steps_are_kept_there(tmp_path: Path) -> None:
    trainer = make_trainer(tmp_path, run_dir=str(tmp_path / "run"), max_steps=2)
    weight = next(iter(trainer.model.parameters()))
    weight.register_hook(lambda grad: grad * float("inf") if trainer.state.global_step == 0 else grad)
    with pytest.warns(
        UserWarning, match=r"step 1 is not applied: the gradient is not finite; its rollouts are in .*refused"
    ):
        trainer.train()
    folder = RunFolder.open(tmp_path / "run")
    assert [path.name for path in (folder.path / "refused").iterdir()] == ["step-000001.parquet"]
    assert [row["hicra/steps_refused"] for row in folder.metrics()] == [1, 0]


def test_a_line_a_step_needs_a_log_a_step(tmp_path: Path) -> None:
    common: dict[str, Any] = {"use_cpu": True, "bf16": False, "report_to": "none", "run_dir": str(tmp_path / "run")}
    for options in ({"logging_steps": 10}, {"logging_strategy": "epoch", "logging_steps": 1}):
        with pytest.raises(ConfigError, match="run_dir gets a line of metrics for each step") as error:
            HicraGRPOConfig(output_dir=str(tmp_path), **common, **options)
        assert "logging_steps=1" in error.value.fix
    assert "'epoch'" in error.value.message


def test_the_example_script_writes_a_folder_for_the_report(tmp_path: Path) -> None:
    example = script("examples/trl_four_lines.py", "trl_four_lines")
    example.main(tmp_path / "out", str(tmp_path / "run"))
    folder = RunFolder.open(tmp_path / "run")
    assert [row["step"] for row in folder.metrics()] == [1, 2, 3, 4, 5]
    assert folder.method == "hicra"
    assert next(folder.rollouts())["planning_mask"].explode().cast(pl.Int64).sum() > 0
    build_report([folder.path], tmp_path / "report.html")


# ---- beside the weights
def test_every_model_that_is_saved_says_what_it_was_trained_with(tmp_path: Path) -> None:
    trainer = run(tmp_path, "hicra", {"alpha": 0.3}, save_strategy="steps", save_steps=2)
    trainer.save_model(str(tmp_path / "mine"))
    for folder in (tmp_path / "out" / "checkpoint-2", tmp_path / "mine"):
        found = json.loads((folder / "hicra_credit.json").read_text(encoding="utf-8"))
        assert (found["kind"], found["schema_version"]) == ("hicra.credit", 1)
        assert (found["method"], found["settings"], found["unit"]) == ("hicra", {"alpha": 0.3}, "gram")
        assert found["lexicon"] == {"name": "grams", "content_hash": trainer.hicra_lexicon.content_hash}
        assert len(found["lexicon"]["content_hash"]) == 64


def test_the_model_card_names_method_settings_and_lexicon_once(tmp_path: Path) -> None:
    trainer = run(tmp_path, "placebo", {"alpha": 0.3}, save_strategy="steps", save_steps=1)
    trainer.create_model_card(model_name="mine")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert card.count("## Credit assignment") == 1  # a second card replaces the first
    assert "- method: `placebo` (" in card
    assert '"alpha": 0.3' in card
    assert trainer.hicra_lexicon.content_hash in card
