"""The pictures of the docs are what the script draws, every one stands on a page, and each can be read without being seen."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from paths import ROOT
from scripts import script

IMAGES = ROOT / "docs" / "images"


def pictures():
    """Name -> function that draws it."""
    return script("docs/make_pictures.py", "make_pictures").PICTURES


DRAWN = pictures()


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_what_the_script_draws(name):
    text = (IMAGES / f"{name}.svg").read_text(encoding="utf-8")
    assert text == DRAWN[name]() + "\n"
    root = ElementTree.fromstring(text)
    about = root.find("{http://www.w3.org/2000/svg}desc").text
    assert len(about) > 20
    assert not re.search(r"(?:href|src)=|url\(", text)  # it loads nothing


def test_there_is_no_other_picture():
    assert {path.name for path in IMAGES.iterdir()} == {f"{name}.svg" for name in DRAWN} | {"signal.json"}


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/concepts/*.md")), ids=lambda page: page.name)
def test_a_concept_has_one_picture(page):
    found = re.findall(r"!\[([^\]]+)\]\(\.\./images/(\w+)\.svg\)", page.read_text(encoding="utf-8"))
    assert len(found) == 1
    assert found[0][1] in DRAWN
