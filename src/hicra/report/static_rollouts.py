"""Shows rollouts without a script: the first one of each arm, and the one that is drawn with its advantages."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from hicra.drawing.readable import counted, number, shorten
from hicra.report import charts
from hicra.report.encode import clean
from hicra.report.model import ReportModel, Rollout
from hicra.report.pack import cut

_STATIC_CHARACTERS = 20_000  # the most characters of a rollout that is shown without JavaScript


def _verdict(rollout: Rollout) -> str:
    return {True: "correct", False: "wrong", None: "correctness unknown"}[rollout.correct]


def signature(model: ReportModel) -> dict[str, Any] | None:
    """Draws the rollout that best shows what shaping does: it is short and right, and some of its tokens are changed."""
    best: tuple[tuple[float, ...], Rollout] | None = None
    for rollout in model.rollouts:
        if rollout.before and rollout.after and any(rollout.planning):
            changed = sum(value is not None and abs(value - rollout.before) > 1e-9 for value in rollout.after)
            length = len(rollout.ends)
            rank = (changed > 0, rollout.before > 0, 12 <= length <= 70, -abs(length - 40), float(rollout.step))
            if best is None or rank > best[0]:
                best = (rank, rollout)
    if best is None:
        return None
    shaped, rollout = bool(best[0][0]), best[1]
    before = rollout.before or 0.0
    kept = [i for i, token in enumerate(rollout.tokens()) if token.strip()]
    if not kept:
        return None
    tokens = rollout.tokens()
    after = [before if value is None else value for value in rollout.after]
    svg = charts.rollout_figure(
        [tokens[i] for i in kept], [rollout.planning[i] for i in kept], [before] * len(kept), [after[i] for i in kept]
    )
    text = f"This is one rollout of {model.labels[rollout.arm]} at step {rollout.step} ({_verdict(rollout)}). "
    text += f"Before shaping, every token has the same advantage, {before:+.3g}. "
    text += "The bars show the advantages trained on." if shaped else "Shaping changed it on no token."
    rows = [
        [tokens[i].strip(), "planning" if rollout.planning[i] else "execution", number(before), number(after[i])]
        for i in kept
    ]
    names = ("kind", "advantage before", "advantage after")
    return {
        "title": "One rollout, token by token",
        "svg": Markup(svg),
        "shows": text,
        "read": "",
        "notes": [],
        "table": {"caption": "", "first": "token", "columns": [{"name": name} for name in names], "rows": rows},
    }


def static_rollouts(model: ReportModel) -> list[dict[str, Any]]:
    """Returns the first rollout of each arm, which the page shows without JavaScript."""
    out = []
    for arm, name in enumerate(model.labels):
        rollout = next((rollout for rollout in model.rollouts if rollout.arm == arm), None)
        if rollout is None:
            continue
        short = cut(rollout, _STATIC_CHARACTERS)
        missing = len(rollout.response) - len(short.response)
        out.append(
            {
                "arm": arm,
                "arm_name": name,
                "step": rollout.step,
                "verdict": _verdict(rollout),
                "reward": "" if rollout.reward is None else number(rollout.reward),
                "id": shorten(rollout.id, 200),
                "prompt": short.prompt,
                "pieces": pieces(short),
                "images": counted(len(short.images), "image") if short.images else "",
                "cut": f"{missing} more characters are not shown." if missing else "",
            }
        )
    return out


def pieces(rollout: Rollout) -> list[dict[str, str | None]]:
    """Splits the response into parts {text, gram}: `gram` is None outside spans, else the grams of that part.

    Between them stand what tools returned, as {tool}.
    """
    out: list[dict[str, str | None]] = []
    begin, tools = 0, list(rollout.tools)
    for piece in _marked(rollout):
        text, gram = piece["text"] or "", piece["gram"]
        done = 0
        while tools and tools[0][0] < begin + len(text):
            at, returned = tools.pop(0)
            out += [{"text": text[done : at - begin], "gram": gram}] if at - begin > done else []
            out.append({"tool": returned})
            done = at - begin
        out.append({"text": text[done:], "gram": gram})
        begin += len(text)
    return out + [{"tool": returned} for _, returned in tools]


def _marked(rollout: Rollout) -> list[dict[str, str | None]]:
    out: list[dict[str, str | None]] = []
    at = 0
    merged: list[tuple[int, int, list[str]]] = []
    for start, end, gram in rollout.spans:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]), [*merged[-1][2], gram])
        else:
            merged.append((start, end, [gram]))
    for start, end, grams in merged:
        if start > at:
            out.append({"text": rollout.response[at:start], "gram": None})
        out.append({"text": rollout.response[start:end], "gram": clean(", ".join(dict.fromkeys(grams)))})
        at = end
    if at < len(rollout.response):
        out.append({"text": rollout.response[at:], "gram": None})
    return out
