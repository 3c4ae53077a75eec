"""The colours of everything that hicra draws, for light and dark screens and for paper, and the style sheet made from them.

The report, its charts and plots in files of their own use them as CSS variables, the figure of a tagged rollout as values.
Arms have the colours of Okabe and Ito, which colour-blind readers can tell apart; the two token kinds differ by dashes as well.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from importlib.resources import files

SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"


@dataclass(frozen=True)
class Colours:
    """The colours of one scheme.

    Attributes:
        ground, card, wash: background of the page, of figures, of code.
        ink, soft: text, and less important text.
        rule: borders and grids.
        link, focus: links, and the outline of what has the focus.
        mark, mark_ink, mark_edge: of a planning token: its background, its text, its border and bars.
        execution: bars of execution tokens.
        plus, minus, heat: transparent backgrounds of tokens by advantage and by entropy.
        right, wrong: text of verdicts.
        arms: curves and dots, in the order of the arms.
    """

    ground: str
    card: str
    wash: str
    ink: str
    soft: str
    rule: str
    link: str
    focus: str
    mark: str
    mark_ink: str
    mark_edge: str
    execution: str
    plus: str
    minus: str
    heat: str
    right: str
    wrong: str
    arms: tuple[str, ...]

    def variables(self) -> str:
        """Writes the colours as CSS variables: `--ink`, `--mark-edge`; those of arms are `--a0`, `--a1` and so on."""
        named = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "arms"}
        named |= {f"a{number}": colour for number, colour in enumerate(self.arms)}
        return " ".join(f"--{name.replace('_', '-')}: {colour};" for name, colour in named.items())


LIGHT = Colours(
    ground="#fbfaf7", card="#ffffff", wash="#f3f1eb", ink="#1f2328", soft="#565d66", rule="#e5e2da", link="#00609b",
    focus="#0072b2", mark="#ffe3bf", mark_ink="#1f2328", mark_edge="#d55e00", execution="#9fb1bf", plus="#009e73",
    minus="#cc5096", heat="#0072b2", right="#00704f", wrong="#a8330a",
    arms=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1f2328"),
)  # fmt: skip
DARK = Colours(
    ground="#15171a", card="#1c1f23", wash="#23272c", ink="#e7e6e2", soft="#a5abb3", rule="#31353b", link="#7cc4f0",
    focus="#56b4e9", mark="#563613", mark_ink="#ffe6c4", mark_edge="#f0903c", execution="#5c6d7b", plus="#2cc295",
    minus="#e382be", heat="#56b4e9", right="#4fcfa5", wrong="#ff9a6b",
    arms=("#56b4e9", "#f0843c", "#14a67a", "#d987b7", "#f0b73c", "#9fd3f3", "#e7e6e2"),
)  # fmt: skip
PAPER = replace(
    LIGHT, ground="#ffffff", wash="#f4f4f4", ink="#000000", soft="#444444", rule="#cccccc", mark_ink="#000000",
    arms=(*LIGHT.arms[:6], "#000000"),
)  # fmt: skip
ARMS = len(LIGHT.arms)  # further arms begin again with the first colour


def css(selector: str) -> str:
    """Makes the style sheet: variables on `selector` for the reader's scheme, and the style of charts in those variables.

    Args:
        selector: `:root` for a page, `.chart` for a plot in a file of its own, which must not colour what is around it.
    """
    looks = files("hicra.drawing").joinpath("chart.css").read_text(encoding="utf-8")
    arms = "\n".join(f".chart .a{number}, .sw.a{number} {{ color: var(--a{number}); }}" for number in range(ARMS))
    return (
        f"{selector} {{ color-scheme: light dark; --sans: {SANS}; --mono: {MONO}; {LIGHT.variables()} }}\n"
        f"@media (prefers-color-scheme:dark) {{ {selector} {{ {DARK.variables()} }} }}\n"
        f"@media print {{ {selector} {{ {PAPER.variables()} }} }}\n"
        f"{arms}\n{looks}"
    )
