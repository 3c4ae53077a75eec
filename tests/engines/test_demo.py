"""The demo, cut to three batches and three steps: every stage runs, and one seed never gives a verdict."""

import json
import math
import resource
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("trl")

from forked import Forks
from hicra.demo import jobs
from hicra.demo.meter import METHODS, measure_start
from hicra.demo.run import run_demo
from hicra.errors import ArtifactError, HicraError
from hicra.runs import RunFolder
from hicra.signal.settings import SignalSettings

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture(autouse=True, scope="module")
def processes():
    """The demo's processes, forked from one that has imported what they need; a limit of files is that of this process."""
    with Forks(hashed={}) as forks, pytest.MonkeyPatch.context() as patch:

        def begin(line, *, stdin, stdout, stderr, env):
            assert env["OMP_NUM_THREADS"] == "1"
            assert stderr is stdout
            return forks.start(line, log=Path(stdout.name), largest=resource.getrlimit(resource.RLIMIT_FSIZE)[0])

        patch.setattr(jobs, "subprocess", SimpleNamespace(Popen=begin, DEVNULL=subprocess.DEVNULL))
        yield


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out, said = tmp_path_factory.mktemp("made") / "demo", []
    return out, said, run_demo(out, seed=0, say=said.append, steps=3, samples=512, held_out=64, batches=3)


def test_every_stage_runs(demo):
    out, said, result = demo
    assert {"run_dirs", "report", "signal"} <= set(result)
    runs = {RunFolder.open(path).method: RunFolder.open(path) for path in result["run_dirs"]}
    assert set(runs) == {"none", "hicra"}
    for run in runs.values():
        assert [row["step"] for row in run.metrics()] == [1, 2, 3]
        assert run.metrics()[0]["hicra/semantic_entropy"] is not None
    assert all(row["hicra/changed_share"] == 0 for row in runs["none"].metrics())
    assert any(row["hicra/changed_share"] > 0 for row in runs["hicra"].metrics())
    assert result["verdict"]["verdict"] == "inconclusive"
    assert [stage["stage"][:8] for stage in json.loads((out / "demo.json").read_text())["stages"]] == [
        "sampling", "mining a", "tagging ", "measurin", "training", "comparin"
    ]  # fmt: skip
    for start in ("weak", "strong"):
        assert 0 < result["starts"][start]["mask_score"]["precision"] <= 1
        assert 0 < result["starts"][start]["mask_score"]["recall"] <= 1
        assert (out / ("corpus.jsonl" if start == "strong" else "corpus-weak.jsonl")).read_text().count("\n") == 512
    assert result["starts"]["weak"]["right"] < result["starts"]["strong"]["right"]
    assert result["mask_score"] == result["starts"]["strong"]["mask_score"]
    assert any("precision" in line for line in said)
    with pytest.raises(ArtifactError, match="already exists"):
        run_demo(out, seed=0, say=said.append)


def test_the_signal_of_both_starts_comes_first_in_page_and_summary(demo):
    out, _, result = demo
    for start in ("weak", "strong"):
        found = result["signal"][start]
        assert found == json.loads((out / "signal" / f"{start}.json").read_text())
        assert list(found["kinds"]) == ["planning", "execution"]  # the task's labels would each cost a backward pass
        assert set(found["methods"]) == set(METHODS)
        assert (found["batches"], found["rollouts"]) == (3, 768)
        low, high = found["kinds"]["planning"]["ci"]
        assert low < found["kinds"]["planning"]["share"] < high
        assert all(math.isfinite(method["cosine"]) for method in found["methods"].values())
        assert max(found["components"]) <= 6  # eight methods and two kinds share their backward passes
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.index("Where the learning signal is</h2>") < page.index("At a glance</h2>")
    for words in (
        "weak start",
        "strong start",
        "A better step is not yet a better run",
        "by chance alone",
        "inconclusive",
    ):
        assert words in page
        assert words in " ".join(result["text"].split())  # the terminal's lines break where they like
    assert page.count("<svg") >= 7
    assert "<mark" in page
    assert result["text"].index("Where the learning signal is") < result["text"].index("held-out accuracy")


def test_a_measurement_is_that_of_its_seed_alone(demo, monkeypatch):
    _, _, result = demo
    again = measure_start("strong", 0, 3)
    # that another seed is another measurement shows at an eighth of the size too
    monkeypatch.setattr("hicra.demo.meter.SignalSettings", lambda **given: SignalSettings(prompts=4, **given))
    one, other = (measure_start("strong", seed, 3) for seed in (0, 1))
    for kind in ("planning", "execution"):
        assert again["kinds"][kind]["signal"] == result["signal"]["strong"]["kinds"][kind]["signal"]
        assert one["kinds"][kind]["signal"] != other["kinds"][kind]["signal"]


def test_a_full_disk_in_the_training_of_an_arm_is_one_error(demo, tmp_path, monkeypatch):
    # what stands between the two places is measured once for this module
    monkeypatch.setattr("hicra.demo.run.measure_side_by_side", lambda *_, **__: demo[2]["signal"])
    out, before = tmp_path / "demo", resource.getrlimit(resource.RLIMIT_FSIZE)
    for largest, named in ((1_000, "corpus-weak.jsonl"), (500_000, "training ")):  # the arms are processes of their own
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
        try:
            with pytest.raises(HicraError) as error:
                run_demo(
                    out, seed=0, say=lambda text: None, overwrite=True, steps=1, samples=256, held_out=8, batches=3
                )
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert named in error.value.message
        assert "cannot be written: File too large" in error.value.message
        assert "Traceback" not in error.value.message
