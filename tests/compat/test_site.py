"""The site's menu has every page, its API page has names that exist, and its link check finds what is broken."""

from __future__ import annotations

import importlib
import re

import yaml

import make_site
from paths import ROOT

MADE = "docs/reference/python.md"  # by make_site.py


def listed(entry):
    """The paths in a menu of mkdocs.yml."""
    if isinstance(entry, str):
        return [entry]
    return [path for one in (entry.values() if isinstance(entry, dict) else entry) for path in listed(one)]


def test_the_menu_has_every_page_once():
    menu = listed(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    pages = ["README.md", *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md"))]
    assert sorted(menu) == sorted([*pages, MADE])


def test_every_name_of_the_api_page_is_a_module_or_is_in_one():
    for name in (name for names in make_site.API.values() for name in names):
        if importlib.util.find_spec(name.rpartition(".")[0]).submodule_search_locations is None:
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name
        else:
            assert importlib.util.find_spec(name) is not None, name


def test_versions_are_pinned():
    lines = (ROOT / "docs" / "site-requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w\[\]-]+==[\d.]+", line) for line in lines if not line.startswith("#"))


def test_pages_that_are_linked_come_along_and_other_places_do_not():
    pages = {path.relative_to(ROOT).as_posix() for path in make_site.all_pages()}
    assert {"README.md", "docs/faq.md", "docs/images/rollout.svg", "recipes/plan-execute/README.md"} <= pages
    assert {"examples/own_trainer.py", "studies/hierarchy/figures/one-run.svg"} <= pages
    assert not any(path.startswith(("src/", "tests/")) for path in pages)


def test_code_is_told_from_prose():
    text = "say `$x$` and $y$\n\n    $indented$\n\n```sh\necho $a $b\n```\n\n- a point:\n  $z$\n"
    assert [piece for code, piece in make_site.prose(text) if code] == [
        "`$x$`", "    $indented$\n", "```sh\necho $a $b\n```",
    ]  # fmt: skip
    found = [make_site.FORMULA.findall(piece) for code, piece in make_site.prose(text) if not code]
    assert [formula[1] for part in found for formula in part] == ["y", "z"]


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="b.html#there">1</a><a href="b.html#gone">2</a><a href="c.html">3</a><a href="#top">4</a>'
        '<a href="https://example.org/">5</a><img src="https://example.org/x.png"><img src="data:image/png;base64,AA">'
        '<link rel="canonical" href="https://example.org/"><link rel="stylesheet" href="missing.css">',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text('<h2 id="there">B</h2><a href="a.html">back</a>', encoding="utf-8")
    assert make_site.broken_links(tmp_path) == [
        "a.html: loads https://example.org/x.png",
        "a.html: no c.html",
        "a.html: no heading b.html#gone",
        "a.html: no missing.css",
    ]
