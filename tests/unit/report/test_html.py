"""The page as a file: contract, budget, policy, and what stands without JavaScript."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from pathlib import Path

import polars as pl
import pytest

from hicra.errors import ArtifactError
from hicra.report import build_report
from hicra.report.build import build_model
from hicra.report.report import MAX_BYTES, render
from hicra.runs import RunFolder
from report_fakes import fake_run


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("runs")
    runs = [fake_run(folder / f"{method}-{seed}", method, seed, 10) for method in ("none", "hicra") for seed in (0, 1)]
    out = folder / "deep" / "report.html"
    extra = {
        "lexicon": [{"gram": "let us", "n": 2, "cluster": 1, "cluster_df": 5, "doc_freq": 4}],
        "verdict": {
            "metric": "hicra/accuracy",
            "comparisons": [{"arm": "hicra", "ci": [0.1, 0.2], "verdict": "inconclusive"}],
        },
        "mask_score": {"precision": 1.0, "recall": 0.97},
        "evaluation": [{"arm": "none", "accuracy": 0.5}, {"arm": "hicra", "accuracy": None, "greedy": True}],
        "next": ["hicra compare a b"],
        "anything": {"x": 1},
    }
    result = build_report(runs, out, extra=extra)
    assert result == {"report": str(out), "bytes": out.stat().st_size}
    return out.read_text(encoding="utf-8")


def test_contract(page: str) -> None:
    assert page.startswith("<!doctype html>")
    assert '<html lang="en">' in page
    assert page.count("<h1") == 1
    assert "<title>HICRA against GRPO (none)" in page
    assert "prefers-color-scheme" in page
    assert len(re.findall("<svg ", page)) >= 4
    assert "<mark" in re.sub("<script.*?</script>", "", page, flags=re.S)
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page)
    assert "200 of 640 rollouts" in page


def test_policy_names_the_hashes_of_style_and_script(page: str) -> None:
    (policy,) = re.findall('Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, name in (("script", "script-src"), ("style", "style-src")):
        (body,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy
    assert 'style="' not in page


def test_added_sections(page: str) -> None:
    for text in (
        "0.1 to 0.2",
        "inconclusive",
        "97\u00a0%",
        "GRPO (none)</span>",
        "50\u00a0%",
        "hicra compare a b",
        "anything",
        "Planning mask against exact labels",
    ):
        assert text in page


def test_one_run_alone_is_titled_by_its_name(tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    build_report([fake_run(tmp_path / "my run", "hicra", 3, 2)], out)
    assert "<h1><bdi>my run</bdi></h1>" in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(("parts", "there", "absent"), [
    ({"metrics": False}, 'id="rollouts"', 'id="figure-accuracy"'),
    ({"rollouts": False}, 'id="curves"', 'id="data"'),
])  # fmt: skip
def test_half_a_run_still_has_a_page(tmp_path: Path, parts: dict[str, bool], there: str, absent: str) -> None:
    out = tmp_path / "r.html"
    build_report([fake_run(tmp_path / "run", steps=3, **parts)], out)
    text = out.read_text(encoding="utf-8")
    assert there in text
    assert absent not in text


def long_run(path: Path, method: str, tokens: int) -> Path:
    rng = random.Random(method)
    folder = RunFolder.create(path, method=method, seed=0, config={})
    rows = []
    for i in range(100):
        words = [rng.choice(["let", "us", "therefore", "é", "\U0001f600", "x"]) for _ in range(tokens)]
        text = " ".join(words)
        ends = [0]
        for word in words:
            ends.append(ends[-1] + len(word) + (1 if ends[-1] else 0))
        rows.append(
            {
                "step": 1,
                "prompt": f"{i} " + "prompt " * 200,
                "response": text,
                "token_ends": ends[1:],
                "planning_mask": [int(rng.random() < 0.1) for _ in words],
                "entropies": [rng.random() for _ in words],
                "logprobs": [-rng.random() for _ in words],
                "advantage": 0.5,
                "advantages": [rng.choice([0.5, 0.6]) for _ in words],
            }
        )
    folder.write_rollouts(1, pl.DataFrame(rows))
    return path


@pytest.mark.slow
def test_two_hundred_long_rollouts_stay_under_the_budget(tmp_path: Path) -> None:
    model = build_model([long_run(tmp_path / method, method, 2500) for method in ("none", "hicra")])
    page = render(model)
    assert MAX_BYTES * 0.8 < len(page.encode()) <= MAX_BYTES
    data = json.loads(re.findall('id="data">(.*?)</script>', page, re.S)[0])
    assert len(data["rollouts"]) == 200
    assert all(row["whole"]["length"] > len(row["response"]) for row in data["rollouts"])
    assert "are cut to" in page


def test_a_small_budget_drops_rollouts_and_says_so(tmp_path: Path) -> None:
    model = build_model([long_run(tmp_path / "none", "none", 300)])
    bare = len(render(build_model([tmp_path / "none"], limit=1)).encode())
    page = render(model, bare + 20_000)
    assert len(page.encode()) <= bare + 20_000
    assert "Fewer than usual" in page


def test_nothing_half_written(tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    out.write_text("old")
    with pytest.raises(ArtifactError):
        build_report([tmp_path / "absent"], out)
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    with pytest.raises(ArtifactError, match="is a folder"):
        build_report([fake_run(tmp_path / "run", steps=1)], tmp_path)


def test_same_input_same_bytes(tmp_path: Path) -> None:
    model = build_model([fake_run(tmp_path / "run", steps=4)])
    assert render(model) == render(model)
