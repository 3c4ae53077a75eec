"""A model folder that cannot be used is refused by name, whatever is wrong with it."""

import json
import shutil

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from safetensors.torch import load_file, save_file  # noqa: E402

from hicra.errors import ConfigError  # noqa: E402
from hicra.generation.models import resolve  # noqa: E402
from hicra.generation.sampling import load, sample  # noqa: E402
from hicra.tasks.base import make_task  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(resolve("plan-execute-strong"), tmp_path / "model")


def config(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def weights(folder, change):
    file = folder / "model.safetensors"
    found = load_file(file)
    name = next(name for name in sorted(found) if "norm" in name)
    found[name] = change(found[name])
    save_file(found, file, {"format": "pt"})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: config(folder, hidden_size=128), "another shape than its config.json says"),
        (lambda folder: config(folder, num_hidden_layers="x"), "cannot load"),
        (lambda folder: (folder / "config.json").write_text("[]"), "cannot load"),
        (lambda folder: (folder / "tokenizer_config.json").write_text("[1]"), "cannot load"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot load"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b""), "cannot load"),
        (lambda folder: weights(folder, lambda one: one * float("nan")), "norm.* is not finite|is not finite"),
        (lambda folder: weights(folder, lambda one: one[:-1].clone()), "norm.*not"),
    ],
)
def test_a_folder_that_cannot_be_used_is_named(folder, damage, said):
    damage(folder)
    with pytest.raises(ConfigError, match=said) as refused:
        load(folder, 1)
    assert str(folder) in refused.value.message
    assert refused.value.fix


def test_probabilities_that_are_not_finite_are_no_traceback(folder):
    weights(folder, lambda one: torch.full_like(one, 3e38))  # finite, and beyond all bounds in the layers
    model, tokenizer = load(folder, 1)
    task = make_task("plan_execute")
    with pytest.raises(ConfigError, match="no finite probabilities") as refused:
        sample(model, tokenizer, task, task.rows("train", 2), max_new_tokens=4)
    assert str(folder) in refused.value.message
