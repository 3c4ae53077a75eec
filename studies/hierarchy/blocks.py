"""What other pages say of the study: the result that opens README.md's results, and a line on the pages of its arms.

A page holds two marks for each text; what stands between them is written from the stored results, as docs/study.md is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from contrasts import LEVEL, MARGIN, Estimate, primary_contrasts
from figures import named
from of_methods import of_methods
from results import STARTS, Results
from verdicts import OPEN, Rule, Verdict

from hicra.drawing.readable import counted, decimal, interval_end
from hicra.errors import DataError

Judged = Sequence[tuple[Rule, Verdict]]
END = "<!-- to here -->"
README, ADAPTIVE = "README.md", "docs/methods/adaptive.md"
DASH = "\u2013"


def mark(of: str) -> str:
    """Returns the first mark of a text on a page, which says what the text is of."""
    return f"<!-- studies/hierarchy/build.py writes what stands from here: {of} -->"


def blocks(results: Results, hypotheses: Judged, claims: Judged) -> dict[str, dict[str, str]]:
    """Makes the texts between the marks, by the page's path in the repository and by what each is of."""
    return {
        README: {"results": readme(results, hypotheses, claims)},
        ADAPTIVE: {"hicra_adaptive": f"- **Controlled study**: {adaptive(results, hypotheses, '../study.md')}"},
        **of_methods(results),
    }


def filled(made: dict[str, dict[str, str]], root: Path) -> dict[str, str]:
    """Puts each text between its marks, and returns the pages; a page that the checkout lacks is left out.

    Raises:
        DataError: a page lacks a mark.
    """
    out = {}
    for name, texts in made.items():
        if not (root / name).exists():
            continue
        page = (root / name).read_text(encoding="utf-8")
        for of, text in texts.items():
            begin = mark(of)
            if page.count(begin) != 1 or END not in page.split(begin)[1]:
                raise DataError(f"{name} lacks the marks of what is written there", f"put in {begin} and {END}")
            before, rest = page.split(begin)
            page = f"{before}{begin}\n{text}\n{END}{rest.split(END, 1)[1]}"
        out[name] = page
    return out


def readme(results: Results, hypotheses: Judged, claims: Judged) -> str:
    """The first result of the README."""
    found = primary_contrasts(results)
    if not found:
        made = f"{results.stored} of {results.planned} runs are made" if results.planned else "not run yet"
        return (
            f"[A registered study](docs/study.md) of 7 arms over 14 starts is under way: {made}, and nobody looks\n"
            "before a part is whole. Until then its verdicts are open, also that on `hicra_adaptive`."
        )
    names = list(dict.fromkeys(treatment for treatment, baseline, _ in found if baseline == "none"))
    rows = [
        f"| {named(name)} (`{name}`) | {' | '.join(_cell(found.get((name, 'none', start))) for start in STARTS)} |"
        for name in names
    ]
    strength = [f"from the {start} start ({_pairs(found, start)})" for start in STARTS]
    tally = Counter(verdict.answer for _, verdict in claims)
    told = ", ".join(f"{answer} {tally[answer]}" for answer in ("holds", "does not hold", OPEN) if tally[answer])
    return "\n".join([
        "[A registered study](docs/study.md) on the toy task that comes with hicra, whose planning tokens are known exactly: the",
        "mean held-out accuracy over a run (0 to 1), minus GRPO's, with 95 % intervals over warm starts and seeds:",
        "",
        f"| arm | {' | '.join(strength)} |",
        "| --- | --- | --- |",
        *rows,
        "",
        "- *Better* and *worse*: the interval lies off 0, and so does Holm's p over all of these (below .05).",
        f"- HICRA learns better than GRPO, and better than with random tokens in its mask: {_by_start(claims, 'C5')}.",
        "  By the rule that was fixed before, this holds where both intervals lie above 0 and Holm's p is below .05, and does",
        f"  not hold where one of them lies below {MARGIN:g}: a smaller gain does not matter here.",
        f"- {adaptive(results, hypotheses, 'docs/study.md')}",
        f"- The paper's claims, each judged by a rule fixed before: {told} ([all of them](docs/study.md#the-papers-claims)).",
    ])  # fmt: skip


def adaptive(results: Results, hypotheses: Judged, page: str) -> str:
    """The verdict on the adaptive method."""
    verdict = next(verdict for rule, verdict in hypotheses if rule.key == "f")
    if not primary_contrasts(results):
        return f"`hicra_adaptive` is one of the arms of [the registered study]({page}), which is under way; no verdict yet."
    differences = "; ".join(map(_told, verdict.estimates))
    return (
        "`hicra_adaptive` is never worse than GRPO and not below the best fixed method, at either start: "
        f"**{verdict.answer}** ([the registered study]({page})). The four differences: {differences}."
    )


def _cell(one: Estimate | None) -> str:
    if one is None or one.estimate is None or one.low is None or one.high is None:
        return DASH
    sure = one.p_holm is not None and one.p_holm < LEVEL
    told = "better" if sure and one.low > 0 else "worse" if sure and one.high < 0 else "not told apart"
    return f"{decimal(one.estimate, 3, sign=True)} ({interval_end(one.low, 3)} to {interval_end(one.high, 3)}), {told}"


def _told(one: Estimate) -> str:
    if one.estimate is None or one.low is None or one.high is None:
        return f"{one.name}: not told"
    return (
        f"{one.name}: {decimal(one.estimate, 3, sign=True)} ({interval_end(one.low, 3)} to {interval_end(one.high, 3)})"
    )


def _pairs(found: dict[tuple[str, str, str], Estimate], start: str) -> str:
    most = max((one.n for (_, _, where), one in found.items() if where == start), default=0)
    return counted(most, "pair") if most else "not run"


def _by_start(claims: Judged, key: str) -> str:
    parts = [(rule.key.split(", ")[1], verdict.answer) for rule, verdict in claims if rule.key.startswith(f"{key}, ")]
    return ", ".join(f"**{answer}** from the {start} start" for start, answer in parts)
