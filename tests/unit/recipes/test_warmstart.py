"""The recipe that trains the warm starts: initial values, schedule, and the same weights from the same seed."""

import pytest


@pytest.mark.engine
def test_initial_values_and_schedule():
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from warmstart import learning_rate, new_model

    model = new_model(0)
    spread = {name: weight.std().item() for name, weight in model.named_parameters() if weight.ndim == 2}
    assert spread["model.embed_tokens.weight"] == pytest.approx(0.1, rel=0.05)
    assert spread["model.layers.0.self_attn.q_proj.weight"] == pytest.approx(96**-0.5, rel=0.05)
    assert spread["model.layers.2.self_attn.o_proj.weight"] == pytest.approx(0.4 * 96**-0.5, rel=0.05)
    assert spread["model.layers.1.mlp.down_proj.weight"] == pytest.approx(0.4 * 256**-0.5, rel=0.05)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert all(torch.equal(x, y) for x, y in zip(model.parameters(), new_model(0).parameters(), strict=True))
    assert learning_rate(0, 700) == pytest.approx(2e-3 / 50)
    assert learning_rate(49, 700) == learning_rate(419, 700) == pytest.approx(2e-3)
    assert learning_rate(560, 700) == pytest.approx(2e-3 * 0.525)
    assert learning_rate(700, 700) == pytest.approx(1e-4)


@pytest.mark.engine
@pytest.mark.slow
def test_short_warm_start_from_the_command_line_is_the_same_twice(tmp_path, monkeypatch, capsys):
    pytest.importorskip("transformers")
    import warmstart

    monkeypatch.setitem(warmstart.RECIPES, "weak", warmstart.Recipe(2, 3, 4))
    for name in ("one", "two"):
        assert warmstart.main(["weak", "-o", str(tmp_path / name), "--set", "nouns=24"]) == 0
    one, two = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert "weights" in capsys.readouterr().out
    assert warmstart.main(["weak", "-o", str(tmp_path / "one")]) == 1  # never overwrites
    assert warmstart.main(["waek", "-o", str(tmp_path / "three")]) == 1
    assert warmstart.main(["weak", "-o", str(tmp_path / "three"), "--set", "nuons=24"]) == 1
    errors = capsys.readouterr().err
    assert "did you mean 'weak'" in errors
    assert "did you mean 'nouns'" in errors
    assert not (tmp_path / "three").exists()
