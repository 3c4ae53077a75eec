"""The study of a real model: its page and picture from its result, and the script for a GPU at toy size on a CPU."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from paths import ROOT

STUDY = ROOT / "studies" / "real-model"


def _tables() -> Any:
    spec = importlib.util.spec_from_file_location("real_model_tables", STUDY / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not (STUDY / "results.json").exists(), reason="the model is not measured yet")
def test_page_and_picture_are_what_the_result_says() -> None:
    tables, data = _tables(), json.loads((STUDY / "results.json").read_text(encoding="utf-8"))
    text = tables.README.read_text(encoding="utf-8")
    assert tables.filled(text, data) == text
    assert (STUDY / "signal.svg").read_text(encoding="utf-8") == tables.picture(data["results"], tables.TITLE)
    assert (STUDY / "results.json").stat().st_size < 100_000


def test_numbers_that_cannot_be_told_are_dashes() -> None:
    tables = _tables()
    assert [tables.number(None), tables.number(0.12345), tables.number(-0.5, 2, sign=True)] == ["-", "0.123", "-0.50"]
    assert [tables.span(None), tables.span([0.25, 1.5], 1)] == ["-", "0.2 to 1.5"]
    assert [tables.many(None), tables.many(12345)] == ["-", "12,345"]


@pytest.mark.slow
@pytest.mark.engine
def test_script_for_a_gpu_works_at_toy_size_on_a_cpu(tmp_path: Any) -> None:
    pytest.importorskip("trl")
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(STUDY / "gpu.py"), "-o", str(tmp_path)]
    refused = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "--tiny" in refused.stderr
    made = subprocess.run([*command, "--tiny"], env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    found = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert found["card"] == "none"
    assert [one["name"] for one in found["results"]] == ["plan_execute", "paper"]
    for one in found["results"]:
        assert one["batches"] == 3
        assert one["kinds"]["planning"]["signal"] is not None
        assert one["methods"]["none"]["difference"] == 0
    # both lexicons split the same rollouts, so all that does not depend on the lexicon is equal
    first, second = found["results"]
    assert first["accuracy"] == second["accuracy"]
    assert first["all_tokens"] == second["all_tokens"]
    assert first["methods"]["none"]["cosine"] == pytest.approx(second["methods"]["none"]["cosine"], abs=1e-5)
    arms = found["training"]["arms"]
    assert list(arms) == ["hicra", "none"]
    for arm in arms.values():
        assert len(arm["steps"]) == found["training"]["steps"] >= 3
        assert any("hicra/signal_planning" in step for step in arm["steps"])
        assert set(arm["evaluation"]) == {"start", "final"}
    assert (tmp_path / "gpu.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "signal" in (tmp_path / "report.html").read_text(encoding="utf-8")
