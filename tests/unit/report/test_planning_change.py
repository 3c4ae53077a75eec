"""The sentence on planning at the top of the page is the finding's, its first sentence in bold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from hicra import Lexicon
from hicra.diagnose.diagnose import diagnose
from hicra.report.answer import answer
from hicra.report.build import build_model
from hicra.report.model import ReportModel
from hicra.report.planning_change import planning_line
from hicra.report.report import build_report
from hicra.report.sections import glance

GRAMS = ["check it", "split it", "count it", "solve it"]


def model_of(folder: Path, *times: int, grams: Sequence[str] = GRAMS) -> ReportModel:
    """A diagnosed run of six questions in which each gram stands so many times in a response of each step."""
    rows = [
        {"step": step, "question": f"q{at}", "response": " ".join(["filler"] * (20 + at) + [*grams] * many)}
        for step, many in enumerate(times, 1)
        for at in range(6)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    lexicon = Lexicon.from_phrases([*grams])
    diagnose(
        [folder / "rows.jsonl"], lexicon, tokenizer=None, out=folder / "run", on_bad="stop", max_bad=0.0
    )  # fmt: skip
    return build_model([folder / "run"])


def test_the_first_sentence_is_bold_and_stands_once(tmp_path: Path) -> None:
    model = model_of(tmp_path, 1, 2, 3)
    (line,) = planning_line(model.runs[0])
    assert (line.lead, line.link, line.alarm) == ("It plans more.", "findings", False)
    [finding] = [one for one in model.runs[0].findings if one.name == "planning_change"]
    assert f"{line.lead} {line.text}" == finding.text
    page = answer(model, glance(model))
    shown = [*page["beside"], *page["below"]]
    assert shown.count(line) == 1
    assert not [one for one in shown if one.lead.startswith(("Planning change", "Sensitivity"))]


def test_a_gram_that_others_wrote_is_escaped(tmp_path: Path) -> None:
    model = model_of(tmp_path, 1, 3, grams=["<script>window.ran=1</script>"])
    (line,) = planning_line(model.runs[0])
    assert line.lead == 'The rise is mostly one gram, "<script>window.ran=1</script>".'
    assert not line.text.startswith("The rise")
    build_report([tmp_path / "run"], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>window.ran=1" not in page
    assert "The rise is mostly one gram, &#34;&lt;script&gt;window.ran=1" in page


def test_one_step_says_nothing(tmp_path: Path) -> None:
    assert planning_line(model_of(tmp_path, 2).runs[0]) == []


def test_of_several_runs_the_first_sentence_of_each_stands_in_one_line(tmp_path: Path) -> None:
    for name, times in (("more", (1, 2, 3)), ("less", (3, 2, 1)), ("short", (2,))):
        (tmp_path / name).mkdir()
        model_of(tmp_path / name, *times)
        (tmp_path / name / "run").rename(tmp_path / f"run-{name}")
    model = build_model([tmp_path / "run-more", tmp_path / "run-less", tmp_path / "run-short"])
    page = answer(model, glance(model))
    [line] = [one for one in (*page["beside"], *page["below"]) if one.lead == "Does each plan more at its end?"]
    assert line.text == "run-more: It plans more. run-less: It plans less."  # the third has one step
