"""The study of a real model: its page and picture from its result, and the script for a GPU at toy size on a CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from paths import ROOT
from scripts import script

STUDY = ROOT / "studies" / "real-model"


def _script(name: str) -> Any:
    return script(STUDY / f"{name}.py", f"real_model_{name}")


@pytest.mark.skipif(not (STUDY / "results.json").exists(), reason="the model is not measured yet")
def test_page_and_picture_are_what_the_result_says() -> None:
    tables, data = _script("tables"), json.loads((STUDY / "results.json").read_text(encoding="utf-8"))
    text = tables.README.read_text(encoding="utf-8")
    assert tables.filled(text, data) == text
    assert (STUDY / "signal.svg").read_text(encoding="utf-8") == tables.picture(data["results"], tables.TITLE)
    assert (STUDY / "results.json").stat().st_size < 100_000


def test_numbers_that_cannot_be_told_are_dashes() -> None:
    tables = _script("tables")
    assert [tables.number(None), tables.number(0.12345), tables.number(-0.5, 2, sign=True)] == ["-", "0.123", "-0.50"]
    assert [tables.span(None), tables.span([0.25, 1.5], 1)] == ["-", "0.2 to 1.5"]
    assert [tables.many(None), tables.many(12345)] == ["-", "12,345"]


@pytest.mark.slow
def test_rollouts_that_lexicons_share_give_what_the_verb_gives() -> None:
    pytest.importorskip("transformers")
    from hicra.generation import models
    from hicra.lexicon import Lexicon
    from hicra.signal.measurement import BatchMeasurer
    from hicra.signal.settings import SignalSettings
    from hicra.signal.weights import load_model
    from hicra.tasks.base import make_task

    script, task = _script("measure"), make_task("plan_execute")
    settings = SignalSettings(batches=3, prompts=6, group=4, methods=("hicra", "planning_only"), project=256, threads=1)
    loaded = load_model(models.resolve("plan-execute-strong"), settings)
    parameters = list(loaded[0].parameters())
    # the second marks whole sentences by itself, since it has a threshold
    lexicons = {"phrases": Lexicon.from_phrases(task.phrases), "planning": Lexicon.load("planning")}
    taggers = script.taggers_of(lexicons, loaded[1], settings)
    assert [tagger.unit for tagger in taggers.values()] == ["gram", "sentence"]
    shared = script.measure_batch(loaded, task, taggers, settings, parameters, 1)
    for name, tagger in taggers.items():
        alone = BatchMeasurer(*loaded, task, tagger, settings, parameters)._part(1, lambda text: None)
        assert shared[name].about | {"seconds": 0} == alone.about | {"seconds": 0}
        assert list(shared[name].coefficients) == list(alone.coefficients)
        for key, coefficients in alone.coefficients.items():
            expected = coefficients @ alone.vectors
            found = shared[name].coefficients[key] @ shared[name].vectors
            assert found == pytest.approx(expected, abs=1e-5 * np.abs(expected).max(initial=1e-9))


# The script is run as a script, once without a GPU and once at toy size, in one process: its imports take 6 CPU-seconds.
TWICE = """
import os, runpy, sys
script, out = sys.argv[1:]
sys.path.insert(0, os.path.dirname(script))
def run(*words):
    sys.argv = [script, "-o", out, *words]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        return ended.code
assert run() == 2
assert not os.listdir(out)
print("== refused", file=sys.stderr)
assert run("--tiny") == 0
"""


@pytest.mark.slow
@pytest.mark.engine
def test_script_for_a_gpu_works_at_toy_size_on_a_cpu(tmp_path: Any) -> None:
    pytest.importorskip("trl")
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", TWICE, str(STUDY / "gpu.py"), str(tmp_path)]
    made = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    refused, _ = made.stderr.split("== refused")
    assert "--tiny" in refused
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
