"""The demo, cut to three steps: every stage runs, and one seed never gives a verdict."""

import json
import resource

import pytest

pytest.importorskip("trl")

from hicra.demo import run_demo
from hicra.errors import ArtifactError, HicraError
from hicra.runs import RunFolder

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_demo(tmp_path):
    out, said = tmp_path / "demo", []
    result = run_demo(out, seed=0, say=said.append, steps=3, samples=512, held_out=64)
    assert {"run_dirs", "report"} <= set(result)
    runs = {RunFolder.open(path).method: RunFolder.open(path) for path in result["run_dirs"]}
    assert set(runs) == {"none", "hicra"}
    for run in runs.values():
        assert [row["step"] for row in run.metrics()] == [1, 2, 3]
        assert run.metrics()[0]["hicra/semantic_entropy"] is not None
    assert all(row["hicra/changed_share"] == 0 for row in runs["none"].metrics())
    assert any(row["hicra/changed_share"] > 0 for row in runs["hicra"].metrics())
    assert result["verdict"]["verdict"] == "inconclusive"
    assert 0 < result["mask_score"]["precision"] <= 1
    assert 0 < result["mask_score"]["recall"] <= 1
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "inconclusive" in page
    assert page.count("<svg") >= 4
    assert "<mark" in page
    assert [stage["stage"][:8] for stage in json.loads((out / "demo.json").read_text())["stages"]] == [
        "sampling", "mining a", "scoring ", "training", "comparin"
    ]  # fmt: skip
    assert any("precision" in line for line in said)
    with pytest.raises(ArtifactError, match="already exists"):
        run_demo(out, seed=0, say=said.append)


def test_a_full_disk_in_the_training_of_an_arm_is_one_error(tmp_path):
    out, before = tmp_path / "demo", resource.getrlimit(resource.RLIMIT_FSIZE)
    for largest, named in ((1_000, "corpus.jsonl"), (500_000, "training ")):  # the arms are processes of their own
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
        try:
            with pytest.raises(HicraError) as error:
                run_demo(out, seed=0, say=lambda text: None, overwrite=True, steps=1, samples=256, held_out=8)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert named in error.value.message
        assert "cannot be written: File too large" in error.value.message
        assert "Traceback" not in error.value.message
