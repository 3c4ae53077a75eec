"""The colours: text can be read on its ground, arms stay apart for every eye, and the style sheet holds nothing else."""

from __future__ import annotations

import itertools
import re
from importlib.resources import files

import numpy as np
import pytest

from hicra.drawing import theme
from hicra.drawing.theme import DARK, LIGHT, PAPER, Colours

SCHEMES = pytest.mark.parametrize("scheme", [LIGHT, DARK, PAPER], ids=["light", "dark", "paper"])
# Machado, Oliveira and Fernandes 2009, full severity, on linear RGB
EYES = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour: str) -> np.ndarray:
    """Linear RGB of #rrggbb."""
    encoded = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2."""
    dark, light = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB -> OKLab (Ottosson 2020), in which distances are about what the eye sees."""
    cones = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
             [0.0883024619, 0.2817188376, 0.6299787005]]  # fmt: skip
    mixed = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
             [0.0259040371, 0.7827717662, -0.8086757660]]  # fmt: skip
    return np.array(mixed) @ np.cbrt(np.array(cones) @ rgb)


def test_contrast_by_hand() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#ffffff", "#ffffff") == 1
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the grey just short of 4.5
    assert oklab(linear("#ffffff")) == pytest.approx([1, 0, 0], abs=1e-3)


@SCHEMES
def test_text_can_be_read(scheme: Colours) -> None:
    for ground in (scheme.ground, scheme.card, scheme.wash):
        for text in (scheme.ink, scheme.soft):
            assert contrast(text, ground) >= 4.5
    for text in (scheme.link, scheme.right, scheme.wrong):
        assert contrast(text, scheme.ground) >= 4.5
        assert contrast(text, scheme.card) >= 4.5
    assert contrast(scheme.mark_ink, scheme.mark) >= 4.5
    for bar in (scheme.mark_edge, scheme.focus):
        assert contrast(bar, scheme.card) >= 3


@SCHEMES
@pytest.mark.parametrize("eye", EYES)
def test_arms_stay_apart(scheme: Colours, eye: str) -> None:
    seen = [oklab(np.clip(np.array(EYES[eye]) @ linear(colour), 0, 1)) for colour in scheme.arms]
    gaps = {(i, j): float(np.linalg.norm(seen[i] - seen[j])) for i, j in itertools.combinations(range(theme.ARMS), 2)}
    assert min(gaps.values()) >= 0.07  # about seven just noticeable differences
    assert gaps[0, 1] >= 0.2  # baseline and method: what most pages show


def test_all_schemes_have_all_colours() -> None:
    for scheme in (LIGHT, DARK, PAPER):
        found = re.findall(r"--([\w-]+): (#[0-9a-f]{6});", scheme.variables())
        assert len(found) == len(dict(found)) == 17 + theme.ARMS
        assert dict(found)["mark-edge"] == scheme.mark_edge
        assert len(set(scheme.arms)) == theme.ARMS


@pytest.mark.parametrize("selector", [":root", ".chart"])
def test_style_sheet_names_only_what_it_defines(selector: str) -> None:
    page = (files("hicra.report") / "static/page.css").read_text(encoding="utf-8")
    sheet = theme.css(selector)
    defined = set(re.findall(r"(--[\w-]+):", sheet))
    assert set(re.findall(r"var\((--[\w-]+)\)", sheet)) <= defined
    assert set(re.findall(r"var\((--[\w-]+)\)", page)) <= defined | {"--q"}
    assert not re.search(r"#[0-9a-f]{3,8}\b", page.replace("#grams", "").replace("#runs", "").replace("#others", ""))
    assert not set("<&") & set(sheet)  # it stands inside XML
    light, dark, paper = (sheet.index(scheme.variables()) for scheme in (LIGHT, DARK, PAPER))
    assert light < dark < paper  # the last that holds wins: paper stays paper where the screen is dark
