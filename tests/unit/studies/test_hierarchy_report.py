"""The page and figures of the hierarchy study: the same bytes each time, from the stored results alone."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET

import build
import collect
import pytest
from blocks import END, filled, mark
from build import built, differing, stored
from figures import FIGURES
from plan import runs
from results import Results, read_results, whole_parts
from verdicts import NOT_RUN

import study_made
from hicra.errors import DataError
from paths import ROOT

pytestmark = pytest.mark.slow  # each builds the page with every figure


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("results")
    study_made.write(study_made.made({"strong": 2, "weak": 1}, warm_starts=3), made)
    (made / "stopped.json").write_text("{}", encoding="utf-8")  # so that parts are shown that are not whole
    return made


@pytest.fixture(scope="module")
def files(folder):
    return built(read_results(folder))


def test_the_same_results_give_the_same_bytes(folder, files):
    assert built(read_results(folder)) == files
    assert set(files) >= {"docs/study.md", "studies/hierarchy/verdicts.json", "studies/hierarchy/RULES.md"}


@pytest.mark.parametrize("name", [figure.name for figure in FIGURES])
def test_a_figure_is_an_svg_of_its_own_with_its_data_beside(files, name):
    drawn = files[f"studies/hierarchy/figures/{name}.svg"]
    root = ET.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not re.search(r"(?:href|src|url\()", drawn)
    assert "nan" not in drawn.lower()
    assert root.find("{http://www.w3.org/2000/svg}desc").text
    assert json.loads(files[f"studies/hierarchy/figures/{name}.json"])
    assert f"figures/{name}.svg)" in files["docs/study.md"]


def test_what_a_figure_draws_stands_in_its_data(files):
    data = json.loads(files["studies/hierarchy/figures/contrasts.json"])["rows"]
    names = [text.text for text in ET.fromstring(files["studies/hierarchy/figures/contrasts.svg"]).iter(
        "{http://www.w3.org/2000/svg}text")]  # fmt: skip
    assert [row["name"] for row in data] == names[-len(data) - 1 : -1]


def test_the_page_holds_every_verdict_and_estimate(files):
    verdicts, page = json.loads(files["studies/hierarchy/verdicts.json"]), files["docs/study.md"]
    for key, verdict in (verdicts["hypotheses"] | verdicts["claims"]).items():
        assert f"**{key}: {verdict['answer']}.**" in page
    for one in verdicts["primary"]:
        told = f"| {one['estimate']:+.3f} | {one['low']:+.3f} to {one['high']:+.3f} |"
        assert re.sub(r"[+-]0\.000", "0.000", told) in page
    assert "nan" not in page.lower().replace("finance", "")


def test_without_results_every_part_says_so_and_no_figure_is_drawn():
    files = built(Results(()))
    assert not [name for name in files if name.endswith(".svg")]
    page = files["docs/study.md"]
    for part in (
        "Training",
        "The meter",
        "Masks and strengths",
        "Other rates",
        "Credit quality against true advantages",
    ):
        assert f"{part}: {NOT_RUN}." in page
    assert "![" not in page


def test_check_finds_what_differs_and_what_is_left_over(folder, files, tmp_path, monkeypatch):
    def run(*more):
        monkeypatch.setattr(sys, "argv", ["build.py", "--results", str(folder), "--root", str(tmp_path), *more])
        build.main()

    monkeypatch.setattr(build, "built", lambda _, root: files)
    run()
    run("--check")
    page = tmp_path / "docs" / "study.md"
    page.write_text(page.read_text(encoding="utf-8").replace("holds", "held", 1), encoding="utf-8")
    old = tmp_path / "studies" / "hierarchy" / "figures" / "old.svg"
    old.write_text("<svg/>", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"docs/study.md, studies/hierarchy/figures/old.svg; fix: make study-report"):
        run("--check")
    run()
    assert not old.exists()
    assert page.read_text(encoding="utf-8") == files["docs/study.md"]


def test_the_readme_and_the_pages_of_methods_say_what_the_study_found(files):
    block = files["README.md"].split(mark("results"))[1].split(END)[0]
    rows = [line for line in block.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 6  # a head, and each primary arm but GRPO
    assert "| difficulty part (`hicra_difficulty`) | +0." in block
    for said in (" from the strong start, **", "`hicra_adaptive` is never worse", "holds 1"):
        assert said in block
    assert "- **Controlled study**: `hicra_adaptive` is never worse" in files["docs/methods/adaptive.md"]
    of_hicra = files["docs/methods/hicra.md"].split(mark("hicra"))[1].split(END)[0]
    same = next(line for line in rows if "(`hicra`)" in line)  # one figure, told twice
    assert same.split("| ")[2].split(", ")[0] in of_hicra
    assert "from the weak start, 3 pairs" in of_hicra


def test_a_page_without_the_marks_is_named(tmp_path):
    page, made = (
        tmp_path / "README.md",
        {"README.md": {"a": "one", "b": "two"}, "docs/methods/adaptive.md": {"a": "new"}},
    )
    page.write_text(f"{mark('a')}\nold\n{END}\n{mark('b')}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"README.md lacks the marks"):
        filled(made, tmp_path)
    page.write_text(f"x\n{mark('a')}\nold\n{END}\ny\n{mark('b')}\n{END}\nz\n", encoding="utf-8")
    assert filled(made, tmp_path) == {"README.md": f"x\n{mark('a')}\none\n{END}\ny\n{mark('b')}\ntwo\n{END}\nz\n"}


def test_a_part_is_shown_when_all_of_its_runs_are_made():
    strong = [study_made.run("none", "strong", warm, 1) for warm in (1, 2)]
    weak = [study_made.run("none", "weak", 1, 1)]
    results = Results(tuple(strong + weak))
    planned = [("primary", "strong")] * 2 + [("primary", "weak")] * 3 + [("masks", "strong")]
    shown = whole_parts(results, planned)
    assert list(shown.runs) == strong
    assert shown.waiting == (("primary", "weak", 1, 3),)
    assert "Under way: 1 of 3 runs of primary, weak start" in built(shown)["docs/study.md"]
    assert whole_parts(results, planned[:2]).runs == results.runs


def test_a_run_that_is_stored_is_known_by_what_was_planned():
    first, second = list(runs())[:2]
    one = {**vars(first), "settings": collect.settings_of(first)}
    there = {collect.key(one): one}
    assert collect.is_stored(first, there)
    assert not collect.is_stored(second, there)


def test_the_page_of_the_checkout_is_what_its_results_say():
    wrong = differing(built(stored(ROOT / "studies" / "hierarchy" / "results")), ROOT)
    assert wrong == [], "run `make study-report`"
