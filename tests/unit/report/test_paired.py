"""Runs that were compared by question: the page says what the terminal said, and says why others are not compared."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.diagnose.saved_pairs import PAIRS
from hicra.errors import ArtifactError
from hicra.report import build_report
from hicra.report.answer import answer
from hicra.report.build import build_model
from hicra.report.by_question import pair_figure, pair_sentences, pair_table
from hicra.report.model import Pair, ReportModel
from hicra.report.sections import glance
from hicra.runs import RunFolder
from hostile_run import PAYLOADS

LEXICON = Lexicon.from_phrases(["we need to"])
RIGHT = {"a": [1] + [0] * 8, "b": [1] * 9, "c": [0] * 9}


def diagnosed(folder: Path, arms: str, out: str, **options: Any) -> dict[str, Any]:
    """Nine questions; every response has four words, of which three are planning."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": f"q{at}", "arm": arm, "response": f"we need to {at}", "correct": bool(right)}
        for arm in arms
        for at, right in enumerate(RIGHT[arm])
    ]
    (folder / f"{arms}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings: dict[str, Any] = {"tokenizer": None, "on_bad": "stop", "max_bad": 0.0, **options}
    return diagnose([folder / f"{arms}.jsonl"], LEXICON, out=folder / out, **settings)


def page_of(paths: list[Path], out: Path) -> str:
    build_report(paths, out)
    return out.read_text(encoding="utf-8")


def two(tmp_path: Path) -> tuple[dict[str, Any], list[Path]]:
    found = diagnosed(tmp_path, "ab", "runs", by="arm")
    return found, [tmp_path / "runs" / arm for arm in "ab"]


def test_the_page_has_the_figures_of_the_terminal(tmp_path: Path) -> None:
    found, paths = two(tmp_path)
    model = build_model(paths)
    assert [(model.arms[one.arm], model.arms[one.baseline], f"hicra/{one.metric}") for one in model.pairs] == [
        (one["arm"], one["baseline"], one["metric"]) for one in found["pairs"]
    ]
    for one, said in zip(model.pairs, found["pairs"], strict=True):
        assert (one.questions, one.mean, one.baseline_mean, one.difference, one.p, one.verdict) == tuple(
            said[key] for key in ("questions", "mean", "baseline_mean", "difference", "p_holm", "verdict")
        )
        assert list(one.ends or ()) == said["difference_ci"]


def test_sentences_by_hand(tmp_path: Path) -> None:
    """Eight of nine differences are 1: mean 8/9, s 1/3, t(8) 2.306, so -+ 0.2562; p is 2 / 2^8, times three metrics."""
    model = build_model(two(tmp_path)[1])
    plans, right = pair_sentences(model)
    assert plans.lead == "Whether b plans more than a cannot be told."
    assert "the planning share is 75\u00a0% against 75\u00a0%: 0.0 points" in plans.text
    assert "Responses have 4 against 4 words: 0.000" in plans.text
    assert right.lead == "b is right more often than a."
    assert right.text == (
        "On the 9 questions that both answered, the accuracy is 100\u00a0% against 11.1\u00a0%: +88.9 points "
        "(95\u00a0% interval +63.3 to +114.5), p 0.023 by Holm."
    )
    figure, table = pair_figure(model), pair_table(model)
    assert figure
    assert table
    assert figure["title"] == "b minus a"
    assert [row[0] for row in figure["table"]["rows"]] == ["planning share", "accuracy"]
    assert [row["metric"] for row in table["rows"]] == ["accuracy", "length (words)", "planning share"]
    assert table["rows"][0]["interval"] == "+63.3 to +114.5"


def test_what_was_compared_by_question_is_never_said_to_need_seeds(tmp_path: Path) -> None:
    page = page_of(two(tmp_path)[1], tmp_path / "r.html")
    top = page[page.index('id="answer"') : page.index('id="curves"')]
    assert "is right more often than" in top
    assert 'id="by-question"' in top
    assert top.index('class="card forest"') < top.index('id="by-question"')
    assert "seed" not in top.replace("several seeds of each", "")
    assert ">seed<" not in page
    assert "seed 0" not in page


def test_several_arms_have_the_two_main_metrics_in_the_plot_and_all_in_the_table(tmp_path: Path) -> None:
    diagnosed(tmp_path, "abc", "runs", by="arm")
    model = build_model([tmp_path / "runs" / arm for arm in "abc"])
    figure, table = pair_figure(model), pair_table(model)
    assert figure
    assert table
    assert [row[0] for row in figure["table"]["rows"]] == [
        "b: planning share", "b: accuracy", "c: planning share", "c: accuracy",
    ]  # fmt: skip
    assert len(table["rows"]) == len(model.pairs) == 6
    assert table["several"]


def test_runs_of_other_rollouts_are_named_and_not_compared(tmp_path: Path) -> None:
    diagnosed(tmp_path, "ab", "runs", by="arm")
    diagnosed(tmp_path, "c", "alone")
    model = build_model([tmp_path / "runs" / "a", tmp_path / "alone"])  # b is not here, so nothing was compared
    assert model.labels == ("a", "alone")
    found = answer(model, glance(model))
    (said,) = [line for line in found["below"] if not line.alarm and line.details]
    assert said.lead == "The runs are not compared."
    assert said.text.startswith("They were made from different rollouts, so their figures are shown side by side")
    assert any("c.jsonl" in one for one in said.details)
    more = build_model([tmp_path / "runs" / "a", tmp_path / "runs" / "b", tmp_path / "alone"])
    (said,) = [line for line in answer(more, glance(more))["beside"] if line.details]
    assert (said.lead, said.text[:33]) == ("alone is not compared.", "It was made from other rollouts, ")


def test_one_of_two_lexicons_is_the_reason(tmp_path: Path) -> None:
    diagnosed(tmp_path, "a", "one")
    diagnosed(tmp_path, "a", "two", unit="sentence")
    model = build_model([tmp_path / "one", tmp_path / "two"])
    assert model.labels == ("one", "two")
    assert model.apart.why.startswith("They were tagged in another way")


def test_beside_a_trained_run_the_reason_is_the_seed(tmp_path: Path) -> None:
    diagnosed(tmp_path, "a", "hicra")
    trained = RunFolder.create(tmp_path / "t", method="hicra", seed=3, config={})
    trained.log(1, {"hicra/accuracy": 0.5})
    model = build_model([tmp_path / "hicra", trained.path])
    assert sorted(model.labels) == ["HICRA", "hicra, 2"]
    assert model.seeds == (3,)
    assert "without a seed" in model.apart.why


def test_equal_folder_names_are_told_apart(tmp_path: Path) -> None:
    for place in ("x/k", "y/k", "z/l/k"):
        diagnosed(tmp_path / place, "a", "run")
    model = build_model([tmp_path / "x/k/run", tmp_path / "y/k/run"])
    assert model.labels == ("k/run", "k/run, 2")
    assert len(model.arms) == 2


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    paths = two(tmp_path)[1]
    for text in ("[]", '{"pairs": [{"arm": "a"}]}', "{", '{"pairs": 3}'):
        (paths[0] / PAIRS).write_text(text, encoding="utf-8")
        with pytest.raises(ArtifactError, match=PAIRS):
            build_model(paths)


def test_a_comparison_that_one_folder_alone_holds_is_not_shown(tmp_path: Path) -> None:
    paths = two(tmp_path)[1]
    (paths[0] / PAIRS).write_text('{"pairs": []}', encoding="utf-8")
    assert build_model(paths).pairs == ()


def test_one_question_has_no_interval_and_the_plot_does_not_speak_of_one(tmp_path: Path) -> None:
    model = build_model(two(tmp_path)[1])
    one = Pair(1, 0, "accuracy", 1, 0, 1.0, 0.0, 1.0, None, 1.0, "inconclusive")
    model = ReportModel(model.arms, model.runs, (), (), pairs=(one,))
    figure = pair_figure(model)
    assert figure
    assert "95" not in figure["shows"]
    assert "(one question)" in figure["svg"]
    assert "(no interval)" in pair_sentences(model)[0].text


class Tags(HTMLParser):
    """Counts the tags that hostile text would make."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.bad = 0, [""][:0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.bad += [tag] if tag in ("img", "iframe", "object", "video") else []
        self.bad += [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_names_metrics_and_verdicts_stay_text(payload: str, tmp_path: Path) -> None:
    config = {"counts": "words", "lexicon": payload}
    pairs = [
        {
            "arm": payload, "baseline": f"{payload} base", "metric": metric, "questions": 3, "unpaired": 1, "mean": 0.5,
            "baseline_mean": 0.5, "difference": 0.1, "difference_ci": [0.0, 0.2], "p_holm": 0.5, "verdict": payload,
        }
        for metric in ("hicra/accuracy", "hicra/planning_share", payload)
    ]  # fmt: skip
    paths = []
    for at, method in enumerate((payload, f"{payload} base", "third")):
        run = RunFolder.create(
            tmp_path / str(at), method=method, seed=0, config=config, inputs={payload: f"{at}{payload}"}
        )
        run.log(1, {"hicra/accuracy": 0.5})
        (run.path / PAIRS).write_text(json.dumps({"pairs": pairs}), encoding="utf-8")
        paths.append(run.path)
    page = page_of(paths, tmp_path / "r.html")
    tags = Tags()
    tags.feed(page)
    assert "third" in page
    assert tags.bad == []
    assert tags.scripts <= 2


def test_runs_that_were_diagnosed_one_by_one_differ_in_nothing(tmp_path: Path) -> None:
    for name in ("one", "two"):
        diagnosed(tmp_path, "a", name)
    apart = build_model([tmp_path / "one", tmp_path / "two"]).apart
    assert apart.why.startswith("They were diagnosed without a comparison")
    assert apart.details == ()
