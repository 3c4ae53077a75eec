"""The top of the page: verdicts in words with numbers worked out by hand, the forest plot, names of arms, tiles of one arm."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from hicra.report import build_report
from hicra.report.answer import tiles
from hicra.report.build import build_model
from hicra.report.forest import Difference, forest
from hicra.report.names import common_name
from hicra.report.verdict import verdict_figure, verdict_sentences
from hicra.runs import RunFolder


def run_of(path: Path, method: str, seed: int, accuracy: float, **config: object) -> Path:
    folder = RunFolder.create(path, method=method, seed=seed, config=config)
    folder.log(1, {"hicra/accuracy": 0.1, "hicra/length": 10.0})
    folder.log(2, {"hicra/accuracy": accuracy, "hicra/length": 30.0})
    return folder.path


def two_arms(folder: Path, gaps: list[float]) -> list[Path]:
    none = [run_of(folder / f"none{seed}", "none", seed, 0.5) for seed in range(len(gaps))]
    return none + [run_of(folder / f"hicra{seed}", "hicra", seed, 0.5 + gap) for seed, gap in enumerate(gaps)]


def test_one_seed_cannot_tell(tmp_path: Path) -> None:
    model = build_model(two_arms(tmp_path, [0.25]))
    (said,) = verdict_sentences(model, model.compared)
    assert said.lead == "Whether HICRA differs from GRPO (none) cannot be told."
    assert said.text == (
        "Accuracy 75\u00a0% against 50\u00a0%: +25.0 points (no interval). 1 paired seed; a verdict needs 6."
    )


def test_six_seeds_can(tmp_path: Path) -> None:
    # differences 0.1, 0.3 three times each: mean 0.2, s = sqrt(6 * 0.01 / 5) = 0.10954, t(5) = 2.5706,
    # so the interval is 0.2 -+ 2.5706 * 0.10954 / sqrt(6) = 0.2 -+ 0.11496: 8.5 to 31.5 points
    model = build_model(two_arms(tmp_path, [0.1, 0.3, 0.1, 0.3, 0.1, 0.3]))
    (said,) = verdict_sentences(model, model.compared)
    assert said.lead == "HICRA is better than GRPO (none)."
    assert "+20.0 points (95 % interval +8.5 to +31.5 over 6 paired seeds)" in said.text
    figure = verdict_figure(model, model.compared)
    assert figure
    assert figure["title"] == "Accuracy, minus GRPO (none)"
    (row,) = figure["table"]["rows"]
    assert row[:6] == ["HICRA", "6", "70\u00a0%", "50\u00a0%", "20\u00a0%", "8.5\u00a0% to 31.5\u00a0%"]
    assert row[7] == "better"


def test_what_cannot_be_compared_says_why(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / "a", "none", 0, 0.5), run_of(tmp_path / "b", "hicra", 1, 0.5)]
    model = build_model(runs)
    (said,) = verdict_sentences(model, model.compared)
    assert said.lead == "The arms are not compared."
    assert "share no seed" in said.text
    assert verdict_figure(model, model.compared) is None
    build_report(runs, tmp_path / "r.html")
    assert "The arms are not compared." in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_sentences_that_are_handed_over_stand_in_their_place(tmp_path: Path) -> None:
    runs, page = two_arms(tmp_path, [0.25]), tmp_path / "r.html"
    build_report(runs, page, extra={"verdict": {"HICRA minus GRPO": "+25 points", "by chance": "a coin <flip>"}})
    text = page.read_text(encoding="utf-8")
    top = text[text.index('id="answer"') : text.index('id="curves"')]
    assert "HICRA minus GRPO:" in top
    assert "a coin &lt;flip&gt;" in top
    assert "cannot be told" not in top
    assert 'class="card forest"' in top


def test_one_arm_has_tiles_of_its_last_and_first_steps(tmp_path: Path) -> None:
    model = build_model([run_of(tmp_path / "a", "none", 0, 0.5), run_of(tmp_path / "b", "none", 1, 0.7)])
    assert tiles(model) == [
        {"name": "accuracy", "value": "60\u00a0%", "unit": "", "before": "10\u00a0% at the start"},
        {"name": "length", "value": "30", "unit": "tokens", "before": "10 at the start"},
    ]
    assert verdict_sentences(model, model.compared) == []


@pytest.mark.parametrize(("arm", "config", "expected"), [
    ("none", {}, "GRPO (none)"),
    ("none", {"baseline": {"name": "dr_grpo"}, "loss": {"name": "clip"}}, "GRPO (none)"),
    ("none(train.learning_rate=0.1)", {}, "GRPO (none, train.learning_rate=0.1)"),
    ("none", {"loss": {"name": "gspo"}}, "none"),
    ("hicra", {}, "HICRA"),
    ("hicra(alpha=0.4)", {}, "HICRA (alpha=0.4)"),
    ("hicra_bonus", {}, "hicra_bonus"),
    ("observed", {}, "observed"),
])  # fmt: skip
def test_common_names(arm: str, config: dict[str, object], expected: str) -> None:
    assert common_name(arm, config) == expected


def test_forest_places_by_hand() -> None:
    rows = [
        Difference(1, "HICRA", 5.0, -10.0, 20.0, (-10.0, 20.0), "inconclusive"),
        Difference(2, "<b>", -20.0, None, None, (-20.0,), "inconclusive"),
    ]
    root = ElementTree.fromstring(forest(rows, "title", "points"))
    circles = [float(node.get("cx", "")) for node in root.iter("{http://www.w3.org/2000/svg}circle")]
    # the axis goes from -20 at 8 to +20 at 252, so a point is 6.1 pixels and 0 stands at 130
    assert circles == [69.0, 252.0, 8.0]
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "+5.0 (\u221210.0 to +20.0)" in words
    assert "\u221220.0 (one seed)" in words
    assert "<b>" in words
    assert re.search("HICRA: .*inconclusive", "".join(root.itertext()))


def test_without_an_interval_the_plot_does_not_speak_of_one(tmp_path: Path) -> None:
    model = build_model(two_arms(tmp_path / "one", [0.25]))
    figure = verdict_figure(model, model.compared)
    assert figure
    assert figure["shows"].startswith("A dot is a seed, a bar the mean. One seed has no interval.")
    model = build_model(two_arms(tmp_path / "two", [0.25, 0.5]))
    figure = verdict_figure(model, model.compared)
    assert figure
    assert "a bar the mean with its 95\u00a0% interval" in figure["shows"]


def test_runs_that_differ_have_a_sentence_and_the_key_behind_it(tmp_path: Path) -> None:
    paths = []
    for method, sha in (("none", "ab12"), ("hicra", "cd34")):
        folder = RunFolder.create(tmp_path / method, method=method, seed=0, config={}, inputs={"rows": sha})
        folder.log(1, {"hicra/accuracy": 0.5})
        paths.append(folder.path)
    model = build_model(paths)
    (said,) = verdict_sentences(model, model.compared)
    assert (said.lead, said.text) == (
        "The arms are not compared.", "They were not made alike (input 'rows' differs), so their figures are shown side by side.",
    )  # fmt: skip
    assert "ab12" in said.details[0]
    build_report(paths, tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert page.index("<summary>What differs</summary>") < page.index("ab12 in ")
