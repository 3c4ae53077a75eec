"""The config: strict, with the nearest right key, and the same whatever way a value came in."""

import pytest

from hicra.errors import ConfigError
from hicra.runs.config import RunConfig, load_config


def write(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_the_recipe():
    config, notes = load_config(None)
    assert config == RunConfig()
    assert notes == []
    assert (config.train.clip_low, config.train.clip_high, config.train.scale, config.train.loss) == (
        0.2,
        0.28,
        "none",
        "dapo",
    )
    assert config.method.name == "hicra"


def test_file_then_set_then_method(tmp_path):
    path = write(tmp_path, "train: {steps: 7, learning_rate: 1e-5}\nmethod: {name: hicra, settings: {alpha: 0.3}}\n")
    config, notes = load_config(path, ["train.steps=9", "lexicon=paper-n3"], "placebo", seed=4)
    assert (config.train.steps, config.train.learning_rate, config.train.seed) == (9, 1e-5, 4)
    assert (config.method.name, config.method.settings, config.lexicon) == ("placebo", {"alpha": 0.3}, "paper-n3")
    assert notes == []
    config, notes = load_config(path, method="none")
    assert config.method.settings == {}
    assert notes == ["method none has no setting 'alpha': it is left out"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train: {stepz: 3}", ["train.stepz", "did you mean 'steps'", "config.yaml"]),
        ("trian: {steps: 3}", ["'trian'", "did you mean 'train'"]),
        ("method: {name: hicr}", ["no method 'hicr'", "did you mean 'hicra'"]),
        ("method: {name: hicra, settings: {alfa: 0.1}}", ["method.settings.alfa", "did you mean 'alpha'"]),
        ("method: {name: hicra, settings: {alpha: 1.0}}", ["alpha is 1.0", "[0, 1)"]),
        ("train: {steps: 0}", ["train.steps", "greater than or equal to 1"]),
        ("train: {group_size: 1}", ["train.group_size"]),
        ("train: {steps: many}", ["train.steps", "'many'"]),
        ("train: {iterations: 2, save_steps: 3}", ["no multiple"]),
        ("train: {micro_batch: 7}", ["does not divide"]),
        ("train: {steps: 1}\ntrain: {steps: 2}", ["'train' stands twice"]),
        ("a: &x [1]\nb: *x", ["aliases"]),
        ("- 1", ["not a mapping"]),
        ("train: [", ["not readable YAML"]),
        ("!!python/object/apply:os.system [ls]", ["not readable YAML"]),
    ],
)
def test_bad_files_name_the_key(tmp_path, text, words):
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("override", ["train.steps", "=3", "train.steps.more=1", "train.steps=[", "train.stepz=1"])
def test_bad_overrides_name_themselves(override):
    with pytest.raises(ConfigError) as caught:
        load_config(None, ["train.steps=5", override])
    assert override.split("=")[0] in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="no config file"):
        load_config(tmp_path / "none.yaml")
