"""Puts the values of a page into its template, with its style, its script and its policy.

The page has its own security policy: nothing may be loaded (`default-src 'none'`), and only the style and the script whose
hashes it names are used. Text from runs is escaped in HTML by jinja2, in SVG by drawing/svg.py, and in JSON by encode.py.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from hicra.drawing import theme
from hicra.drawing.signal import looks as signal_looks
from hicra.version import __version__

_ONE_FILE = "This page is one file, which loads nothing and sends nothing."


@dataclass(frozen=True)
class Served:
    """What a page has that a program serves: further functions of its script, and what its last line says."""

    script: str
    footer: str


def filled(values: dict[str, Any], data: str, rollouts_text: str, served: Served | None = None) -> str:
    """Fills the template.

    Args:
        values: those of the template.
        data: the JSON block of the viewer, already escaped; "" for none.
        rollouts_text: what the page says of the choice of rollouts.
        served: what a page has that a program serves; None for a page that stands alone.
    """
    css, js = style(), script(served.script if served else "")
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hicra.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        **values,
        css=Markup(css),
        js=Markup(js),
        csp=Markup(policy(css, js, served is not None)),
        version=__version__,
        data=Markup(data),
        rollouts_text=rollouts_text,
        footer=served.footer if served else f"Made from {values['folders']}. {_ONE_FILE}",
    )


SCRIPTS = (
    "dom", "tip", "packed", "saving", "tables", "curves", "differences", "response", "card", "source", "viewer",
)  # fmt: skip


def style() -> str:
    """Returns the style sheet of a page."""
    return theme.css(":root") + signal_looks() + static_file("page.css")


def script(further: str = "") -> str:
    """Returns the script of a page as one function, so that nothing of it is a name of the window.

    Args:
        further: more functions, which stand before the start.
    """
    parts = [*(static_file(f"{name}.js") for name in SCRIPTS), further, static_file("start.js")]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


def static_file(name: str) -> str:
    """Reads a file of the page's own style and script."""
    return (files("hicra.report") / "static" / name).read_text(encoding="utf-8")


def policy(css: str, js: str, served: bool = False) -> str:
    """Makes the Content-Security-Policy: nothing may be loaded, and only this style and this script are used.

    Args:
        css, js: the style and the script.
        served: whether the script may ask the program that serves the page.
    """
    of_style, of_script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, js))
    return (
        f"default-src 'none'; script-src 'sha256-{of_script}'; style-src 'sha256-{of_style}'; img-src data:; "
        + "connect-src 'self'; " * served
        + "base-uri 'none'; form-action 'none'"
    )
