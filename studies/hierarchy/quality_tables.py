"""The tables of docs/evidence/credit-quality.md from results/quality.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hicra.drawing.readable import decimal

MEASURES = {
    "counterfactual_importance_accuracy": "change in accuracy",
    "counterfactual_importance_kl": "counterfactual KL",
}
KINDS = ("planning", "execution", "plan", "reflect", "result", "end", "other execution")
LISTS = ("exact", "recall 75", "recall 50", "recall 25", "without", "precision", "mined", "paper")
Found = dict[str, Any]


def share(value: float | None) -> str:
    return "-" if value is None else f"{decimal(100 * value, 1)} %"


def with_ci(found: Found, key: str, places: int = 2, sign: bool = False, percent: bool = False) -> str:
    """A figure with its interval, or a dash where it cannot be told."""
    value, ci, scale = found[key], found[f"{key}_ci"], 100 if percent else 1
    if value is None:
        return "-"
    text = decimal(scale * value, places, sign=sign)
    return text + (
        f" [{decimal(scale * ci[0], places, sign=sign)}, {decimal(scale * ci[1], places, sign=sign)}]" if ci else ""
    )


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def kinds_table(result: Found) -> str:
    rows = []
    for name, start in result["starts"].items():
        for kind in KINDS:
            found = start["kinds"][kind]
            cells = [share(found["tokens"]), with_ci(found, "share", 1, percent=True), with_ci(found, "lift")]
            rows.append([name, kind, *cells, share(found["absolute"]), share(found["naive"])])
    return table(
        ("policy", "kind", "tokens", "share of a², %", "lift", "of \\|a\\|, signed by halves", "of \\|a\\|, naive"),
        rows,
    )


def methods_table(methods: Found) -> str:
    order = sorted(methods, key=lambda name: (name != "none", -(methods[name]["cosine"] or 0)))
    keys = ("lift", "rank", "rank_size", "rank_within", "rank_size_within")
    rows = []
    for name in order:
        found = methods[name]
        cosine, focus = with_ci(found, "cosine", 3), with_ci(found, "focus")
        difference = with_ci(found, "cosine_difference", 3, sign=True) if name != "none" else ""
        rows.append([f"`{name}`", cosine, difference, focus, *(with_ci(found, key) for key in keys)])
    return table(
        (
            "method", "cosine", "minus `none`", "focus", "lift", "rank", "rank of size", "rank within", "rank of size within",
        ),
        rows,
    )  # fmt: skip


def in_order(lexicons: Found) -> list[tuple[str, Found]]:
    """The lexicons from the best to the worst kind."""
    return [(name, found) for first in LISTS for name, found in lexicons.items() if name.startswith(first)]


def lexicons_table(lexicons: Found) -> str:
    rows = []
    for name, found in in_order(lexicons):
        mask = found["mask"]
        rows.append([
            name, str(found["phrases"]), share(found["recall"]), share(found["precision"]), share(mask["tokens"]),
            with_ci(mask, "share", 1, percent=True), with_ci(mask, "lift"),
        ])  # fmt: skip
    return table(("lexicon", "phrases", "recall", "precision", "tokens marked", "share of a², %", "lift"), rows)


def lexicon_methods_table(lexicons: Found) -> str:
    names = [name for name in next(iter(lexicons.values()))["methods"] if name != "none"]
    rows = [
        [name, *(with_ci(found["methods"][method], "cosine_difference", 3, sign=True) for method in names)]
        for name, found in in_order(lexicons)
    ]
    return table(("lexicon", *(f"`{name}`" for name in names)), rows)


def anchors_table(anchors: Found) -> str:
    rows = []
    for measure, title in MEASURES.items():
        for name, both in anchors["lexicons"].items():
            found = both[measure]
            rows.append([
                title, name, share(both["chars"]), with_ci(found, "sentences", 1, percent=True),
                with_ci(found, "share", 1, percent=True), chance(found["chance"]), chance(found["chance_in_fifths"]),
                with_ci(found, "lift"), with_ci(found, "rank_within", sign=True),
            ])  # fmt: skip
    head = ("importance", "marked by", "characters", "sentences, %", "share of importance, %", "random masks, %")
    return table((*head, "random within fifths, %", "lift", "rank within"), rows)


def chance(found: list[float]) -> str:
    low, mean, high = (decimal(100 * value, 1) for value in found)
    return f"{mean} [{low}, {high}]"
