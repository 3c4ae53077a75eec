"""Docs that are written from code are up to date, and no link or file they name is missing."""

import importlib.util
import re

import pytest

from paths import ROOT

PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("recipes/*/*.md"), *ROOT.glob("studies/*/*.md")]
)


def script(name):
    """The module of a script in docs/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_metrics_page_is_the_table():
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == script("make_metrics").page()


def test_deviations_page_is_what_the_code_says():
    assert (ROOT / "docs" / "deviations.md").read_text(encoding="utf-8") == script("make_deviations").page()


def test_deviations_are_numbered_once_and_every_number_that_is_cited_is_there():
    module = script("make_deviations")
    ids = [f"{one.family}-{one.number}" for one in module.deviations()]
    assert len(ids) == len(set(ids)) > 100
    assert {one.family for one in module.deviations()} == set(module.FAMILIES)
    pattern = re.compile(rf"\b(?:{'|'.join(module.FAMILIES)})-\d+\b")
    cited = {}
    for path in [
        *ROOT.glob("src/hicra/**/*.py"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("recipes/**/*.md"),
    ]:
        cited |= dict.fromkeys(pattern.findall(path.read_text(encoding="utf-8")), path)
    assert not {number: path for number, path in cited.items() if number not in ids}
    left = [
        path
        for path in ROOT.glob("src/hicra/**/*.py")
        if re.search(r"(?<![\w-])D\d{1,2}\b", path.read_text(encoding="utf-8"))
    ]
    assert not left  # the numbers of old, which every module had for itself


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page):
    prose = re.sub(r"`[^`]*`|^    .*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)  # code is no link
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "AGENTS.md"])
def test_guides_are_short(name):
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) < 80
