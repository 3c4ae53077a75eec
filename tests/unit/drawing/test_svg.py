"""Elements, scales and plots, with text by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hicra.drawing import svg
from hicra.drawing.plot import columns, plot
from hicra.drawing.readable import printable, shorten
from hicra.drawing.scales import Scale

NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_attributes_by_hand() -> None:
    assert svg.tag("path", d="M0 0h1", stroke_width=1.25, class_="a b", id=None) == (
        '<path d="M0 0h1" stroke-width="1.2" class="a b"/>'
    )
    assert svg.text(1, 2, 'a<b & "c"', class_="end") == (
        '<text x="1" y="2" class="end">a&lt;b &amp; &quot;c&quot;</text>'
    )
    assert svg.tag("g", "", title='"><script>') == '<g title="&quot;&gt;&lt;script&gt;"></g>'


def test_lines_by_hand() -> None:
    assert svg.line(1, 2, 1, 5) == '<path d="M1 2V5"/>'
    assert svg.line(1, 2, 4.04, 2, class_="axis") == '<path d="M1 2H4" class="axis"/>'
    assert svg.line(1, 2, 3, 4) == '<path d="M1 2L3 4"/>'


def test_a_document_is_named_and_described() -> None:
    root = ElementTree.fromstring(svg.document(3, 4.5, "A < B", svg.tag("g"), about="one & two", key="k"))
    assert root.get("viewBox") == "0 0 3 4.5"
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "k-title k-about"
    assert [(child.tag.removeprefix(NAMESPACE), child.get("id"), child.text) for child in root] == [
        ("title", "k-title", "A < B"), ("desc", "k-about", "one & two"), ("g", None, None),
    ]  # fmt: skip
    assert "aria-labelledby" not in svg.document(1, 1, "t", about="a")


@given(st.text(st.characters(codec=None)))
def test_any_text_is_text(words: str) -> None:
    root = ElementTree.fromstring(svg.document(1, 1, words, svg.text(0, 0, words, id=words), about=""))
    assert len(list(root.iter())) == 4
    assert (root.find(f"{NAMESPACE}text").text or "") == (root.find(f"{NAMESPACE}title").text or "")


def test_what_cannot_stand_in_xml_is_seen() -> None:
    assert svg.escaped("a\x00b\x1b[m\n\ud800\uffff") == "a\ufffdb\ufffd[m\ufffd\ufffd\ufffd"
    assert svg.escaped("27\u00a0% of 1\u2009000 \U0001f600") == "27\u00a0% of 1\u2009000 \U0001f600"


def test_scale_by_hand() -> None:
    up = Scale(0, 4, 180, 0)  # y grows downwards
    assert [up(value) for value in (0, 1, 4)] == [180, 135, 0]
    assert Scale(3, 3, 10, 30)(3) == 20


def test_columns_and_plot() -> None:
    grid = columns(Scale(-1, 1, 100, 300), [-1.0, 0.0, 1.0], 10, 50)
    assert grid[:2] == ['<path d="M100 10V50" class="grid"/>', '<text x="100" y="68" class="mid">\u22121</text>']
    assert len(grid) == 6
    root = ElementTree.fromstring(plot(320, 80, "t", grid, "a"))
    assert (root.get("class"), root.get("width"), root.get("height")) == ("chart", "320", "80")
    kinds = [child.tag.removeprefix(NAMESPACE) for child in root]
    assert kinds == ["title", "desc", "style", "rect", *["path", "text"] * 3]
    assert "url(" not in (root.find(f"{NAMESPACE}style").text or "")


@pytest.mark.parametrize(("given", "shown"), [("a\x1b[31mb", "a\ufffd[31mb"), ("é\U0001f600", "é\U0001f600")])
def test_names_for_a_terminal(given: str, shown: str) -> None:
    assert printable(given) == shown
    assert shorten("abcdef", 4) == "abc\u2026"
