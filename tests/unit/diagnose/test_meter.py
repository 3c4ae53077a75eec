"""`hicra diagnose --signal`: the figures are those of plain autograd on the same rollouts, and they reach folder and page."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from hicra import Lexicon  # noqa: E402
from hicra.artifacts import canonical_json  # noqa: E402
from hicra.diagnose.diagnose import diagnose  # noqa: E402
from hicra.diagnose.scoring import Scoring  # noqa: E402
from hicra.errors import ArtifactError, DataError  # noqa: E402
from hicra.findings import Evidence, findings  # noqa: E402
from hicra.report.build import build_model  # noqa: E402
from hicra.report.report import build_report  # noqa: E402
from hicra.runs import RunFolder  # noqa: E402
from hicra.runs.find import files_read, find_runs  # noqa: E402
from scored_model import model_folder, opened, token_logs  # noqa: E402

LEXICON = Lexicon.from_phrases(["let me check"])
RESPONSES = ("Wait, let me check this.", "So x = 12", "Now let me check it again: 3/4", "Hmm, the answer is 3")


def rollouts(steps: int = 1, prompts: int = 8) -> list[dict[str, Any]]:
    """Groups of four responses: the first is always right and the last for every third prompt, so there is a signal."""
    return [
        {
            "step": step, "question": f"problem {prompt} of step {step}", "group_id": f"{step}/{prompt}",
            "response": response, "reward": float(number == 0 or (number == 3 and prompt % 3 == 0)),
        }
        for step in range(1, steps + 1) for prompt in range(prompts) for number, response in enumerate(RESPONSES)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("model") / "plain")


def measured(tmp_path: Path, rows: list[dict[str, Any]], folder: Path, **more: Any) -> dict[str, Any]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = {"tokenizer": None, "out": tmp_path / "run", "on_bad": "stop", "max_bad": 0.01}
    return diagnose([path], LEXICON, scoring=Scoring(str(folder), signal=True), **settings | more)


def gradient_by_hand(model: Any, tokenizer: Any, rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """The ascent direction of the mean over tokens of A log p, by kind of token, from one row at a time."""
    parameters = list(model.parameters())
    total = dict.fromkeys(("planning", "execution"), 0.0)
    count = 0
    for row in rows:
        group = [other["reward"] for other in rows if other["group_id"] == row["group_id"]]
        advantage = row["reward"] - sum(group) / len(group)
        encoding = tokenizer(row["response"], add_special_tokens=False, return_offsets_mapping=True)
        ids, begin = encoding["input_ids"], row["response"].find("let me check")
        logs = token_logs(model, tokenizer(row["question"])["input_ids"], ids)
        count += len(ids)
        for at, (token, (start, stop)) in enumerate(zip(ids, encoding["offset_mapping"], strict=True)):
            plans = begin >= 0 and start < begin + len("let me check") and stop > begin
            total["planning" if plans else "execution"] += advantage * logs[at, token]
    return {
        kind: torch.cat([one.reshape(-1) for one in torch.autograd.grad(value / count, parameters, retain_graph=True)])
        .double().numpy()
        for kind, value in total.items()
    }  # fmt: skip


def cross(vectors: list[np.ndarray]) -> float:
    """The mean inner product of different vectors."""
    return float(np.mean([one @ other for one, other in itertools.permutations(vectors, 2)]))


def test_share_and_signal_are_those_of_plain_autograd(tmp_path: Path, folder: Path) -> None:
    rows = rollouts()
    found = measured(tmp_path, rows, folder)
    model, tokenizer = opened(folder)
    by_prompt = [gradient_by_hand(model, tokenizer, rows[at : at + 4]) for at in range(0, 32, 4)]
    [signal] = found["signal"]
    assert (signal["batches"], signal["rollouts"], signal["mixed_groups"]) == (8, 32, 8)
    by_kind = {kind: cross([one[kind] for one in by_prompt]) for kind in ("planning", "execution")}
    for kind, value in by_kind.items():
        assert signal["kinds"][kind]["signal"] == pytest.approx(value, rel=1e-3)
        assert signal["kinds"][kind]["share"] == pytest.approx(value / sum(by_kind.values()), rel=1e-3)
    low, high = signal["kinds"]["planning"]["ci"]
    assert low < signal["kinds"]["planning"]["share"] < high


def test_the_figures_of_a_step_are_those_of_its_halves(tmp_path: Path, folder: Path) -> None:
    rows = rollouts(steps=2, prompts=5)
    found = measured(tmp_path, rows, folder)
    model, tokenizer = opened(folder)
    for step, of in zip((1, 2), found["steps"], strict=True):
        mine = [row for row in rows if row["step"] == step]
        # five prompts are dealt to four batches in turn (0 4, 1, 2, 3), and batches to halves: 0 4 2 against 1 3
        halves = [
            gradient_by_hand(model, tokenizer, [row for row in mine if int(row["group_id"][-1]) in prompts])
            for prompts in ((0, 4, 2), (1, 3))
        ]
        for kind in ("planning", "execution"):
            one, other = (half[kind] for half in halves)
            assert of[f"hicra/signal_{kind}"] == pytest.approx(one @ other, rel=1e-3, abs=1e-6)
            noise = (one @ one + other @ other) / 2 - one @ other
            assert of[f"hicra/noise_{kind}"] == pytest.approx(noise, rel=1e-3)
    assert found["coverage"]["hicra/signal_planning"] == 40
    assert "the batches are of 2 steps" in " ".join(found["signal"][0]["warnings"])


def test_folder_finding_and_page_show_it(tmp_path: Path, folder: Path) -> None:
    found = measured(tmp_path, rollouts(), folder)
    run = tmp_path / "run"
    share = found["signal"][0]["kinds"]["planning"]["share"]
    [told] = [one for one in found["findings"] if one["name"] == "learning_signal"]
    assert (told["alarm"], told["figures"]["share_planning"]) == (None, share)
    assert told["headline"]["value"] == share
    [again] = [one for one in findings(Evidence.of(RunFolder.open(run))) if one.name == "learning_signal"]
    assert canonical_json(again.as_json()) == canonical_json(told)
    [line] = RunFolder.open(run).metrics()
    assert line["hicra/signal_planning"] == found["steps"][0]["hicra/signal_planning"]
    [measurement] = build_model([run]).signal
    assert measurement.kind("planning").share == share
    build_report([run], tmp_path / "page.html")
    assert "Where the learning signal is" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert find_runs([run]) == ([run], [])
    assert run / "signal" / "signal.json" in files_read([run])


def test_the_same_rollouts_give_the_same_folder(tmp_path: Path, folder: Path) -> None:
    measured(tmp_path, rollouts(), folder)
    first = (tmp_path / "run" / "signal" / "signal.json").read_bytes()
    measured(tmp_path, rollouts(), folder, overwrite=True)
    assert (tmp_path / "run" / "signal" / "signal.json").read_bytes() == first


def test_arms_are_measured_apart(tmp_path: Path, folder: Path) -> None:
    rows = [row | {"model": name} for name in ("a", "b") for row in rollouts()]
    flat = [row | {"model": "flat", "reward": 1.0, "group_id": None, "question": f"{at}"}
            for at, row in enumerate(rollouts(prompts=1))]  # fmt: skip
    found = measured(tmp_path, rows + flat, folder, by="model")
    assert [one["arm"] for one in found["signal"]] == ["a", "b"]
    assert found["signal"][0]["kinds"] == found["signal"][1]["kinds"]
    of_arms = found["scores"]["surprise_of_arms"]
    assert of_arms["a"] == of_arms["b"] != of_arms["flat"]
    assert [(tmp_path / "run" / name / "signal").is_dir() for name in ("a", "b", "flat")] == [True, True, False]
    assert any("could not be measured of flat" in said for said in found["warnings"])


def test_rollouts_that_the_model_has_not_sampled_are_said(tmp_path: Path, folder: Path) -> None:
    """A random model finds English surprising; responses that it has sampled itself are no surprise to it."""
    found = measured(tmp_path, rollouts(), folder)
    assert "these rollouts are not what the model samples" in " ".join(found["signal"][0]["warnings"])
    assert found["scores"]["surprise"]["ci"][0] > 0


# ---- what has no signal
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reward": None}, "two prompts with at least two rewarded rollouts"),
        ({"reward": 1.0}, "rewards differ within no group"),
        ({"group_id": "all", "question": "all"}, "two prompts with at least two rewarded rollouts"),
    ],
)
def test_rollouts_without_a_gradient_are_refused_before_a_model_is_loaded(
    tmp_path: Path, folder: Path, change: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hicra.signal.weights.load_weights", lambda *_, **__: pytest.fail("the model was loaded"))
    with pytest.raises(DataError, match=said):
        measured(tmp_path, [row | change for row in rollouts()], folder)


def test_without_a_planning_token_there_is_no_split_and_it_is_said(tmp_path: Path, folder: Path) -> None:
    found = measured(tmp_path, [row | {"response": f"x = {row['reward']}"} for row in rollouts()], folder)
    assert found["signal"] == []
    assert any("the learning signal could not be measured" in said for said in found["warnings"])
    assert not (tmp_path / "run" / "signal").exists()


def test_a_damaged_measurement_in_a_run_folder_is_named(tmp_path: Path, folder: Path) -> None:
    measured(tmp_path, rollouts(), folder)
    file = tmp_path / "run" / "signal" / "signal.json"
    file.write_text('{"kinds": {}}', encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"signal\.json holds no measurement"):
        Evidence.of(RunFolder.open(tmp_path / "run"))
    file.write_text(
        '{"methods": {"none": {}}, "kinds": {"planning": {"share": "much", "ci": null}, "execution": {}}}',
        encoding="utf-8",
    )
    with pytest.raises(ArtifactError, match=r"kinds\.planning holds no share"):
        Evidence.of(RunFolder.open(tmp_path / "run"))
