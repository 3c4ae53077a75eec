"""A run of ETPO from a config: what it writes, that the engine's readers read it, and which configs are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hicra.errors import ArtifactError, ConfigError
from hicra.generation.sampling import load
from hicra.related.critics.train import main, train
from hicra.related.environments.strings import Strings
from hicra.related.policy.network import new_network, save_network
from hicra.related.policy.words import make_tokenizer
from hicra.runs import RunFolder
from hicra.runs.config import load_config
from hicra.runs.sections import RunConfig

SMALL = {
    "engine": "related", "task.name": "strings", "task.settings": "{letters: 2, length: 2, counts: 1, longest: 3}",
    "system.name": "etpo", "system.settings": "{updates: 2, hidden: 8}", "train.steps": 2, "train.prompts_per_step": 4,
    "train.max_new_tokens": 3, "train.learning_rate": "1e-3", "eval.problems": 6,
}  # fmt: skip


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strings") / "start"
    tokenizer = make_tokenizer(Strings(letters=2).words, 64)
    save_network(new_network(tokenizer, width=16, layers=1, heads=2, seed=0), tokenizer, folder)
    return folder


def config(start: Path, **more: Any) -> RunConfig:
    given = SMALL | {"model.name": start} | {name.replace("__", "."): value for name, value in more.items()}
    return load_config(None, [f"{key}={value}" for key, value in given.items()])[0]


@pytest.mark.slow
def test_a_run_leaves_what_any_run_leaves(start: Path, tmp_path: Path) -> None:
    said: list[str] = []
    train(config(start), tmp_path / "run", said.append)
    run = RunFolder.open(tmp_path / "run")
    assert run.config["system"]["settings"]["beta"] == 0.1  # all settings are recorded, those by default as well
    assert (run.method, run.config["method"]["name"], run.seed) == ("etpo", "none", 0)
    rows = run.metrics()
    assert [row["step"] for row in rows] == [1, 2]
    for row in rows:
        assert 0 <= row["hicra/accuracy"] <= 1
        assert row["hicra/interactions"] >= 4
        assert {"etpo/value_loss", "etpo/policy_loss", "etpo/kl", "etpo/credit_0", "etpo/credit_1"} <= row.keys()
    assert said[0].startswith("start: ")
    assert said[-1].startswith("end: ")
    model, _ = load(run.path / "final", 1)
    before, _ = load(start, 1)
    assert any(not one.equal(other) for one, other in zip(model.parameters(), before.parameters(), strict=True))
    with pytest.raises(ArtifactError, match="run"):
        train(config(start), tmp_path / "run", said.append)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"system__name": "grpo"}, "this trains etpo"),
        ({"engine": "trl"}, "this trains etpo"),
        ({"train__kl": 0.1}, "train.kl is 0.1, and ETPO has no use for it"),
        ({"train__temperature": 0.5}, "train.temperature is 0.5"),
        ({"baseline__name": "grpo"}, "baseline.name is 'grpo'"),
        ({"system__settings": "{betta: 0.1}"}, "has no setting 'betta'"),
        ({"system__settings": "{beta: 0}"}, "beta: Input should be greater than 0"),
        ({"task__name": "string"}, "no environment 'string'"),
    ],
)
def test_a_config_that_means_nothing_is_refused(start: Path, tmp_path: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        train(config(start, **given), tmp_path / "run")
    assert says in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_a_command_line_that_is_wrong_ends_with_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("engine: related\nsystem: {name: grpo}\n", encoding="utf-8")
    assert main(["--config", str(file), "-o", str(tmp_path / "run")]) == 1
    assert "error: the config is of the engine related and the system grpo" in capsys.readouterr().err
