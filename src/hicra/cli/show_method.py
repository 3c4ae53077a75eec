"""The text of `hicra methods`: the list, and one entry whole."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from hicra.credit import CreditPreset
    from hicra.credit.entry import Entry

WIDTH = 120
TITLES = {
    "baseline": "Baselines: rewards to advantages (baseline.name)",
    "shaper": "Shapers: advantages to advantages, the credit methods (method.name, method.then)",
    "loss": "Losses: advantages to the number that is minimised (loss.name); each has the setting most_tokens too",
    "preset": "Presets: the usual combinations (preset)",
}
TAKES = {
    "baseline": "rewards and groups",
    "shaper": "advantages",
    "loss": "log-probabilities under the model now and when it sampled, advantages and the mask of policy tokens",
}
PAGES = {  # the page in docs/methods of each shaper that is not on hicra.md
    "controls.md": ("hicra_recentred", "placebo", "random_tokens", "shuffled_rows", "whiten"),
    "entropy.md": ("entropy_advantage", "forking_tokens", "light_gtpo", "sepa"),
    "adaptive.md": ("hicra_adaptive",),
    "attention.md": ("preplan_anchor",),
    "tokens.md": ("taco", "perplexity_shaping", "position_shaping", "ktae"),
}
CHANGES = {"nothing": "none", "planning": "planning tokens alone", "any": "any token"}
SCOPE = {"row": "one rollout at a time", "batch": "the whole batch: groups, or shares of its tokens"}
OF_LOSSES = {
    "mean": "tokens: over all tokens of the batch; responses: over those of each response, then over responses; "
    "constant: their sum by rollouts x most_tokens",
    "most_tokens": "at least 1, the longest response allowed; None takes the width of the batch (a run: max_new_tokens)",
}
BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def listed(rows: list[dict[str, Any]]) -> list[str]:
    """Returns the lines of the list: each entry with the first line of its formula, what it needs and its settings."""
    lines: list[str] = []
    width = max(len(row["name"]) for row in rows) + 2
    for kind, title in TITLES.items():
        lines += ["", title] if lines else [title]
        for row in (row for row in rows if row["kind"] == kind):
            first = row["formula"].partition("\n")[0] or row["source"]
            lines += _wrapped(f"  {row['name']:{width}}", first, width + 2)
            if kind != "preset":
                lines += _wrapped(" " * (width + 2), _short(row), width + 2)
    return lines


def _short(row: dict[str, Any]) -> str:
    needs = [field for field in row["needs"] if field != "response_mask"]
    settings = [f"{key}={value}" for key, value in row["settings"].items() if key != "most_tokens"]
    parts = [f"needs {', '.join(needs)}"] if needs else []
    parts += [f"settings: {', '.join(settings)}"] if settings else []
    return "; ".join(parts)


def whole(row: dict[str, Any], entry: Entry | CreditPreset) -> list[str]:
    """Returns the lines that show one entry: source, page, needs, what it does to advantages, settings and formula."""
    from hicra.credit import CreditPreset

    lines = [f"{row['name']}, a {row['kind']}"]
    if isinstance(entry, CreditPreset):
        lines += _wrapped("source:   ", row["source"]) + _wrapped("page:     ", page_of(entry))
        lines += ["keys of the config that it fills in, where the config itself says nothing:"]
        return [*lines, *(f"  {key} = {value}" for key, value in row["settings"].items())]
    for title, text in _said(row, entry):
        lines += _wrapped(f"{title + ':':10}", text)
    lines += ["settings, with their defaults:" if row["settings"] else "settings: none"]
    for key, value in row["settings"].items():
        lines += _wrapped(f"  {key} = {value}", _meaning(entry, key), 6)
    return [*lines, *(["", row["formula"]] if row["formula"] else [])]


def page_of(entry: Entry | CreditPreset) -> str:
    """Returns the page of the docs that explains an entry, and its heading there."""
    from hicra.credit import CreditPreset
    from hicra.credit.own import is_own

    if isinstance(entry, CreditPreset):
        return "docs/methods/README.md#presets"
    if is_own(entry):
        return "docs/how-to/own-method.md"
    shaper = next((page for page, names in PAGES.items() if entry.name in names), "hicra.md")
    page = {"baseline": "baselines.md", "loss": "losses.md"}.get(entry.kind, shaper)
    return f"docs/methods/{page}#{entry.name}"


def _said(row: dict[str, Any], entry: Entry) -> Iterator[tuple[str, str]]:
    from hicra.credit import Loss, Method

    yield "source", row["source"]
    yield "page", page_of(entry)
    fields = f"; of the batch: {', '.join(row['needs'])}" if row["needs"] else ""
    yield "needs", TAKES[row["kind"]] + fields
    if entry.binary:
        yield "rewards", "0 and 1 alone"
    if isinstance(entry, Loss):
        yield "signs", "treats tokens by the sign of their advantage" if entry.signed else "one formula for both signs"
    if isinstance(entry, Method):
        yield "looks at", SCOPE[entry.scope]
        yield "changes", CHANGES[entry.changes]
        yield "signs", "keeps each sign" if entry.keeps_sign else "may turn the sign of an advantage"
        yield "selects", "yes: sets the advantage of whole sets of tokens to 0" if entry.selects else "no"
        yield "whitens", "yes: centres or scales the whole batch, so it comes first" if entry.whitens else "no"


def _meaning(entry: Entry, key: str) -> str:
    if entry.kind == "loss" and key in OF_LOSSES:
        return f"   {OF_LOSSES[key]}"
    parts = [bounds_of(entry.settings_class.model_fields[key])]
    parts += ["0 turns it off"] if key == getattr(entry, "strength", None) else []
    said = "; ".join(part for part in parts if part)
    return f"   {said}" if said else ""


def bounds_of(field: FieldInfo) -> str:
    """Returns the values that the type of a setting allows, or nothing where the type says no bound."""
    from hicra.credit.entry import check_alpha

    if get_origin(field.annotation) is Literal:
        return f"one of {', '.join(map(str, get_args(field.annotation)))}"
    bounds: list[str] = []
    for one in field.metadata:
        bounds += [f"{says} {getattr(one, name):g}" for name, says in BOUNDS.items() if hasattr(one, name)]
        bounds += ["at least 0, less than 1"] if getattr(one, "func", None) is check_alpha else []
    return ", ".join(bounds)


def _wrapped(start: str, text: str, indent: int = 10) -> list[str]:
    """Wraps a text behind its start; an empty one without a start of its own gives no line."""
    if not (start + text).strip():
        return []
    return textwrap.wrap(
        start + text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
