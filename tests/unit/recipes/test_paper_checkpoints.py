"""The recipe of the authors' checkpoints, on a stand-in: what it downloads, how it pairs questions, and the whole way once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra import Lexicon
from hicra.errors import ConfigError, DataError
from hicra.generation.interface import Made, Request
from hub_server import HubServer
from scripts import script

recipe = script("recipes/paper-checkpoints/run.py", "paper_checkpoints_run")
MODEL = {
    "config.json": b"{}", "model.safetensors": b"w", "tokenizer.json": b"{}", "chat_template.jinja": b"x",
    "pytorch_model.bin": b"pickle", "optimizer.pt": b"pickle", "modeling_own.py": b"print()",
}  # fmt: skip


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    served = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", served.address)
    yield served
    served.close()


def test_only_files_that_hold_no_code_are_downloaded(server: HubServer) -> None:
    commit = server.add(recipe.PAIRS["qwen25-7b"]["hicra"], MODEL)
    said: list[str] = []
    folder = Path(recipe.model_of(recipe.PAIRS["qwen25-7b"]["hicra"], None, said.append))
    assert {path.name for path in folder.iterdir()} == {
        "config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja",
    }  # fmt: skip
    assert folder.name == commit
    assert said == [
        f"hub: asking {server.address} for the model JasperHaozhe/qw25_7b_hipo (newest revision)",
        f"hub: JasperHaozhe/qw25_7b_hipo is at revision {commit}",
    ]
    with pytest.raises(ConfigError, match="JasperHaozhe/absent cannot be had from http"):
        recipe.model_of("JasperHaozhe/absent", None, said.append)


def test_a_folder_or_a_built_in_model_needs_no_network(tmp_path: Path) -> None:
    def never(text: str) -> None:
        pytest.fail(text)

    assert recipe.model_of(str(tmp_path), None, never) == str(tmp_path)
    assert recipe.model_of("plan-execute-weak", None, never) == "plan-execute-weak"
    with pytest.raises(ConfigError, match="is no repository, so it has no revision"):
        recipe.model_of(str(tmp_path), "main", never)
    with pytest.raises(ConfigError, match="there is no model 'nothing here'"):
        recipe.model_of("nothing here", None, never)


def samples(*rows: tuple[str, str, bool | None, int | None]) -> pl.DataFrame:
    return pl.DataFrame([
        {"file": "a", "group_id": group, "response": text, "correct": correct, "tokens": tokens, "truncated": False}
        for group, text, correct, tokens in rows
    ], schema={"file": pl.String, "group_id": pl.String, "response": pl.String, "correct": pl.Boolean, "tokens": pl.Int64,
               "truncated": pl.Boolean})  # fmt: skip


def test_metrics_by_question_and_their_paired_difference() -> None:
    lexicon = Lexicon.from_phrases(["wait", "wait now"])
    grpo = recipe.measured(
        samples(("q1", "wait now", True, 2), ("q1", "abcd", False, 4), ("q2", "ab", None, 1), ("q3", "", False, 0)),
        lexicon,
    )
    # q1: 8 of 12 characters, spans that overlap counted once; q2 was not judged; q3 has no character
    assert grpo.rows() == [
        ("a", "q1", 0.5, 3.0, 8 / 12, 0.0),
        ("a", "q2", None, 1.0, 0.0, 0.0),
        ("a", "q3", 0.0, 0.0, None, 0.0),
    ]
    hicra = recipe.measured(samples(("q1", "wait", True, 5), ("q2", "wait", True, 7), ("q3", "ab", True, 1)), lexicon)
    found = recipe.compared(grpo, hicra)
    # accuracy: q1 +0.5 and q3 +1; mean 0.75, sd 0.35355, t(1) at 0.975 is 12.706: half 12.706 * 0.35355 / sqrt(2) = 3.1766
    assert (found["accuracy"]["difference"], found["accuracy"]["questions"]) == (0.75, 2)
    assert found["accuracy"]["interval"] == pytest.approx([0.75 - 3.1766, 0.75 + 3.1766], abs=1e-3)
    # length: 5 - 3, 7 - 1, 1 - 0
    assert (found["length"]["difference"], found["length"]["questions"]) == (3.0, 3)
    assert found["planning_share"]["difference"] == pytest.approx((4 / 12 + 1) / 2)  # 1 - 8/12 and 1 - 0; q3 unknown
    assert "+0.750 (-2.427 to +3.927; 2 questions)" in "\n".join(recipe.lines({"metrics": found}))


def test_different_questions_are_refused() -> None:
    lexicon = Lexicon.from_phrases(["wait"])
    one, other = (recipe.measured(samples(("q1", "a", True, 1), (q, "a", True, 1)), lexicon) for q in ("q2", "q3"))
    with pytest.raises(DataError, match="answered 2 and 2 questions, 1 of them both"):
        recipe.compared(one, other)


class Fake:
    """Answers 2 to everything, after a plan where its folder's name says so."""

    def __init__(self, model: str, settings: Any) -> None:
        self.before = "Let me check. " if "planner" in model else ""

    def generate(self, requests: Sequence[Request], settings: Any) -> list[Made]:
        return [Made(f"{self.before}So it is \\boxed{{2}}.", None, 9, True, None) for _ in requests]

    def close(self) -> None:
        pass


def test_the_whole_way(tmp_path: Path) -> None:
    models = {}
    for arm, name in (("grpo", "plain"), ("hicra", "planner")):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("config.json", "model.safetensors", "tokenizer.json"):
            (folder / file).write_bytes(MODEL[file])
        models[arm] = str(folder)
    (tmp_path / "bench.jsonl").write_text(
        "".join(json.dumps({"question": f"{n} + 1?", "answer": str(n + 1)}) + "\n" for n in range(3))
    )
    (tmp_path / "phrases.txt").write_text("let me check\n")
    result = recipe.run(
        models, [str(tmp_path / "bench.jsonl")], tmp_path / "out", lexicon=str(tmp_path / "phrases.txt"), sampling={"n": 2},
        say=lambda text: None, generator=Fake,
    )  # fmt: skip
    metrics = result["metrics"]
    assert (metrics["accuracy"]["grpo"], metrics["accuracy"]["difference"]) == (pytest.approx(1 / 3), 0.0)
    assert metrics["planning_share"]["grpo"] == 0.0
    assert metrics["planning_share"]["hicra"] == pytest.approx(
        12 / 33
    )  # "Let me check" of "Let me check. So it is \boxed{2}."
    assert (tmp_path / "out" / "report.html").is_file()
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["metrics"] == metrics
    assert (tmp_path / "out" / "hicra" / "run" / "hicra.json").is_file()


def test_the_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recipe.main(["--pair", "qwen25", "--data", "x", "-o", str(tmp_path / "out")]) == 1
    assert "did you mean 'qwen25-7b'?" in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("x")
    assert recipe.main(["--data", "x", "-o", str(tmp_path / "out")]) == 1
    assert "already exists" in capsys.readouterr().err
