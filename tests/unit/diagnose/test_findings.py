"""`hicra diagnose` says what the rollouts show: in memory or in a folder, arm by arm, with the columns that findings need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hicra import Lexicon, cli
from hicra.diagnose.diagnose import diagnose
from hicra.findings import Evidence, findings
from hicra.runs import RunFolder
from hicra.runs.arms import name_arms

LEXICON = Lexicon.from_phrases(["let me check"])


def rows(n: int = 4, **columns: Any) -> list[dict[str, Any]]:
    return [
        {"step": step, "group_id": "g", "response": "let me check it", "reward": 0.0, **columns} for step in (1, 2)
    ] * n


def written(tmp_path: Path, lines: list[dict[str, Any]]) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def measured(tmp_path: Path, lines: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    settings = {"tokenizer": None, "out": None, "on_bad": "stop", "max_bad": 0.01, **more}
    return diagnose([written(tmp_path, lines)], LEXICON, **settings)


def named(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [one for one in found if one["name"] == name]


def test_findings_without_a_folder(tmp_path: Path) -> None:
    found = measured(tmp_path, rows())
    (none,) = named(found["findings"], "no_gradient")
    assert none["alarm"] is True
    assert none["figures"]["reasons"]["all wrong"] == 2  # one group at each of two steps
    assert found["findings"][0]["alarm"]  # alarms first
    assert named(found["not_seen"], "mask_empty")
    (wide,) = named(found["findings"], "mask_wide")  # three of four words
    assert wide["figures"]["planning_share"] == pytest.approx(0.75)


def test_the_folder_holds_the_same_evidence(tmp_path: Path) -> None:
    lines = rows(truncated=True, entropies=[0.5, 0.25, 0.25, 1.0])
    found = measured(tmp_path, lines, out=tmp_path / "run")
    run = RunFolder.open(tmp_path / "run")
    again = [one.as_json() for one in findings(Evidence.of(run))]
    in_memory = found["findings"] + found["not_seen"]
    assert sorted(again, key=lambda one: one["name"]) == sorted(in_memory, key=lambda one: one["name"])
    table = next(iter(run.rollouts()))
    assert table["planning_mask"].to_list() == [[1, 1, 1, 0]] * 4
    assert table["entropies"].to_list() == [[0.5, 0.25, 0.25, 1.0]] * 4
    (none,) = named(found["findings"], "no_gradient")
    assert none["figures"]["reasons"]["all cut"] == 2
    assert named(found["findings"], "truncation")[0]["alarm"] is True


def test_rows_without_values_of_their_tokens_have_none(tmp_path: Path) -> None:
    lines = rows(1, logprobs=[-0.1, -0.2, -0.3, -0.4]) + rows(1, logprobs=[-0.1])
    measured(tmp_path, lines, out=tmp_path / "run")
    table = next(iter(RunFolder.open(tmp_path / "run").rollouts()))
    assert table["logprobs"].to_list() == [[-0.1, -0.2, -0.3, -0.4], None]
    assert table["planning_mask"].to_list() == [[1, 1, 1, 0]] * 2
    assert table["entropies"].null_count() == 2
    measured(tmp_path, rows(1), out=tmp_path / "bare")
    assert "planning_mask" not in next(iter(RunFolder.open(tmp_path / "bare").rollouts())).columns


def test_each_arm_has_its_own(tmp_path: Path) -> None:
    lines = rows(model="a") + rows(1, model="b") + rows(1, model="b", reward=1.0)
    found = measured(tmp_path, lines, by="model")
    assert [one["arm"] for one in named(found["findings"], "no_gradient")] == ["a"]
    assert [one["arm"] for one in named(found["not_seen"], "no_gradient")] == ["b"]


def test_what_has_no_step_trains_nothing_arm_by_arm(tmp_path: Path) -> None:
    stepless = [{**row, "step": None, "model": "b"} for row in rows()]
    found = measured(tmp_path, rows(model="a") + stepless, by="model")
    assert [one["arm"] for one in named(found["findings"], "no_gradient")] == ["a"]
    [why] = named(found["unlooked"], "no_gradient")
    assert why["arm"] == "b"
    assert why["why"].startswith("no rollout has a step (column step)")
    # the run folder says it, so that the page finds the same; and it does not make another arm of the run
    measured(tmp_path, stepless, out=tmp_path / "without")
    measured(tmp_path, rows(), out=tmp_path / "with")
    runs = [RunFolder.open(tmp_path / name) for name in ("without", "with")]
    assert [Evidence.of(run).stepless for run in runs] == [True, False]
    assert name_arms(runs) == ["observed", "observed"]


def test_the_lines_below_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lexicon = tmp_path / "words.txt"
    lexicon.write_text("let me check\n")
    with pytest.raises(SystemExit) as stop:
        cli.main(["diagnose", str(written(tmp_path, rows())), "--lexicon", str(lexicon), "-q"])
    printed = capsys.readouterr().out
    assert stop.value.code == 0
    assert (
        "\n! no_gradient: 2 of 2 saved groups (100\u00a0%, 95\u00a0% interval 34.2\u00a0% to 100\u00a0%) gave no"
        in printed
    )
    # below the alarm: a rollout of each of the two groups (those of a step are one), and the command with the reader's own file
    assert (
        "\n    rollouts that show it: step 1 row 1, step 2 row 1\n    go on with: hicra train --config CONFIG"
        in printed
    )
    assert "\nlooked for and not seen: repetition, reward_errors, mask_empty (--json says why)\n" in printed
    assert "\ncould not look for truncation: no rollout says whether it was cut (column truncated)\n" in printed
    assert "\nleft out: " in printed


def test_a_step_of_empty_responses_and_two_formats_in_one_folder_are_no_trouble(tmp_path: Path) -> None:
    folder = tmp_path / "rollouts"
    folder.mkdir()
    plain = [{"step": step, "response": "" if step == 2 else "let me check it", "correct": True} for step in (1, 2, 3)]
    (folder / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in plain), encoding="utf-8")
    of_verl = {"input": "q", "output": "let me check", "gts": "1", "score": 1.0, "step": 3}
    (folder / "b.jsonl").write_text(json.dumps(of_verl) + "\n", encoding="utf-8")
    found = diagnose([folder], LEXICON, tokenizer=None, out=tmp_path / "run", on_bad="stop", max_bad=0.0)
    assert [(one["step"], one["rows"], one["hicra/length"]) for one in found["steps"]] == [
        (1, 1, 4.0),
        (2, 1, 0.0),
        (3, 2, 3.5),
    ]
    assert found["steps"][1]["hicra/planning_share"] is None
    assert found["steps"][1]["hicra/other_script_execution"] is None


def test_a_run_that_shows_nothing_says_so_and_what_could_not_be_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lexicon = tmp_path / "words.txt"
    lexicon.write_text("let me check\n")
    lines = [{"response": f"let me check that {i} is one of the numbers"} for i in range(3)]
    with pytest.raises(SystemExit):
        cli.main(["diagnose", str(written(tmp_path, lines)), "--lexicon", str(lexicon), "-q"])
    printed = capsys.readouterr().out
    assert "\nNothing goes wrong in what could be looked at.\n" in printed
    assert (
        "\ncould not look for no_gradient, reward_errors: no rollout has a reward or a verdict (columns reward, correct)\n"
        in printed
    )
    assert "accuracy" in printed.split("\nleft out: ")[1].split("\n")[0]
