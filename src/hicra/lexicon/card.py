"""The card of a lexicon on the hub (README.md): what it holds, where it comes from, what was measured, what it is not for.

Everything on it is read from the lexicon itself, or from measurements that the caller hands over: the JSON objects that
`hicra tag`, `hicra lexicon score` and `hicra lexicon agree` print with --json. What was not measured is said to be not
measured, with the command that measures it. Grams come from the text of models, so every character of them that Markdown or
HTML would take as its own is written as an entity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hicra.artifacts import canonical_json
from hicra.drawing.readable import counted
from hicra.errors import DataError
from hicra.lexicon.hub import need_hub
from hicra.version import __version__

if TYPE_CHECKING:
    from hicra.lexicon.lexicon import Lexicon

CLUSTERS = 12  # rows of the table of clusters
MEMBERS = 5  # grams shown of each
# the licences that the hub knows by these names; the beginning of a text such as "CC BY 4.0, Wang et al. 2025"
LICENCES = {
    "apache-2.0": "apache-2.0",
    "cc by 4.0": "cc-by-4.0",
    "cc-by-4.0": "cc-by-4.0",
    "cc0": "cc0-1.0",
    "mit": "mit",
}
# what a measurement is known by, and the command that makes it
KINDS = {
    "coverage": ({"rows", "chars", "planning_chars"}, "hicra tag ROLLOUTS --lexicon LEXICON --json"),
    "score": ({"units", "lift"}, "hicra lexicon score LEXICON LABELS --json"),
    "agreement": ({"raters", "majority"}, "hicra lexicon agree SHEET... --key KEY --json"),
}
_MARKUP = re.compile(r"[\\`*_{}\[\]()<>&\"#|~$:@]")

Measured = dict[str, list[Mapping[str, Any]]]


def card(lexicon: Lexicon, measured: Sequence[Mapping[str, Any]] = (), repo: str = "") -> str:
    """Returns the card: a head for the hub, and the page.

    Args:
        measured: JSON objects of `KINDS`, of this lexicon.
        repo: OWNER/NAME, for the commands on the page.

    Raises:
        ConfigError: `huggingface_hub` is not installed.
        DataError: a measurement is of another lexicon, or is none of `KINDS`.
    """
    text = page(lexicon, measured, repo)
    need_hub()
    import huggingface_hub

    head = huggingface_hub.DatasetCardData(
        pretty_name=lexicon.name, tags=["hicra", "lexicon", "strategic-grams"], **_licence(lexicon),
        configs=[{"config_name": "default", "data_files": "grams.parquet"}],
    )  # fmt: skip
    made = huggingface_hub.DatasetCard(f"---\n{head.to_yaml()}\n---\n\n{text}")  # which also checks what it is given
    return str(made)


def page(lexicon: Lexicon, measured: Sequence[Mapping[str, Any]] = (), repo: str = "") -> str:
    """Returns the card without its head; arguments and errors are as for `card`, but no package is needed."""
    found = sorted_out(lexicon, measured)
    parts = [
        _opening(lexicon, repo), _origin(lexicon), _coverage(lexicon, found), _clusters(lexicon),
        _people(lexicon, found), _rights(lexicon), _not_for(lexicon),
    ]  # fmt: skip
    return "\n".join(line for part in parts for line in [*part, ""])


def sorted_out(lexicon: Lexicon, measured: Sequence[Mapping[str, Any]]) -> Measured:
    """Returns the measurements by their kind.

    Raises:
        DataError: one is of another lexicon, or is of no kind.
    """
    found: Measured = {kind: [] for kind in KINDS}
    for number, one in enumerate(measured, 1):
        kind = next(
            (kind for kind, (keys, _) in KINDS.items() if isinstance(one, Mapping) and keys <= one.keys()), None
        )
        if kind is None:
            commands = ", ".join(f"`{command}`" for _, command in KINDS.values())
            raise DataError(f"measurement {number} is of no known kind", f"give what one of these prints: {commands}")
        other = one.get("content_hash")
        if other != lexicon.content_hash:
            said = (
                "names no lexicon" if other is None else f"is of the lexicon with the content hash {str(other)[:12]}..."
            )
            raise DataError(
                f"measurement {number} ({kind}) {said}, and this one has {lexicon.content_hash[:12]}...",
                f"measure this lexicon: `{KINDS[kind][1]}`",
            )
        found[kind].append(one)
    return found


def plain(text: str) -> str:
    """Writes a text so that neither Markdown nor HTML finds anything of its own in it, on one line.

    >>> plain("<b> let's")
    "&#60;b&#62; let's"
    """
    one_line = "".join(char if char.isprintable() else " " for char in text)
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", one_line)


def _licence(lexicon: Lexicon) -> dict[str, str]:
    """Returns the licence in the words of the hub's head."""
    stated = str(lexicon.meta.get("licence") or "").strip()
    known = next((name for begins, name in LICENCES.items() if stated.lower().startswith(begins)), None)
    several = ";" in stated and "merged" in (lexicon.meta.get("settings") or {})
    if known and not several:
        return {"license": known}
    return {"license": "other", "license_name": "see-the-card"} if stated else {"license": "unknown"}


def _opening(lexicon: Lexicon, repo: str) -> list[str]:
    name = repo or "OWNER/NAME"
    clustered = lexicon.table["cluster"].null_count() < len(lexicon)
    holds = counted(len(lexicon), "gram") + (f" in {counted(lexicon.clusters, 'cluster')}" if clustered else "")
    kind = (
        "with weights: it marks whole sentences" if lexicon.threshold is not None else "without weights: it marks grams"
    )
    return [
        f"# {plain(lexicon.name)}", "",
        f"A lexicon of strategic grams: phrases that steer a solution, such as \"let's try another way\". {holds}, {kind}. "
        f"hicra takes the tokens there as planning tokens. Content hash (sha256): `{lexicon.content_hash}`.", "",
        "```bash", f"hicra tag ROLLOUTS --lexicon hub:{name}", "```", "",
        "```python", "from hicra import Lexicon", "",
        f'lexicon = Lexicon.from_pretrained("{name}", revision="COMMIT")  # a commit means the same grams for ever', "```",
    ]  # fmt: skip


def _origin(lexicon: Lexicon) -> list[str]:
    statistics = lexicon.meta.get("statistics") or {}
    counts = [
        f"{plain(key.replace('_', ' '))} {value}" for key, value in sorted(statistics.items()) if type(value) is int
    ]
    sources = [plain(str(one)) for one in lexicon.meta.get("source") or ()]
    settings = [
        f"| {plain(key)} | {plain(canonical_json(value, indent=None).strip())} |"
        for key, value in sorted((lexicon.meta.get("settings") or {}).items())
    ]
    lines = ["## Where it comes from", "", f"- Corpus: {', '.join(sources) if sources else 'its rows name no source'}."]
    lines.append(f"- Counts: {', '.join(counts) if counts else 'none; a list of phrases has no corpus'}.")
    lines.append(f"- Written by hicra {__version__}.")
    return [*lines, *(["", "| setting | value |", "| --- | --- |", *settings] if settings else [])]


def _coverage(lexicon: Lexicon, found: Measured) -> list[str]:
    lines = ["## Coverage", ""]
    for one in found["coverage"]:
        rows, chars, planning = _figures(one, "rows", "chars", "planning_chars")
        share = planning / chars if chars else 0.0
        lines.append(f"- Marks {share:.1%} of the characters of {counted(int(rows), 'response')}.")
    if not found["coverage"]:
        lines.append(f"- Share of a text that it marks: not measured (`{KINDS['coverage'][1]}`).")
    solutions = (lexicon.meta.get("statistics") or {}).get("solutions")
    most = lexicon.table["cluster_df"].max()
    if isinstance(solutions, int) and solutions and isinstance(most, int):
        lines.append(
            f"- In its own corpus the most frequent cluster is in {most:,} of {solutions:,} solutions ({most / solutions:.1%})."
        )
    return lines


def _clusters(lexicon: Lexicon) -> list[str]:
    """Returns the clusters that most solutions hold; without clusters the grams of the greatest weight, else the first."""
    table = lexicon.table
    if table["cluster"].null_count() == len(lexicon):
        ordered = table.sort(["weight", "doc_freq", "gram"], descending=[True, True, False], nulls_last=True)
        what = "of the greatest weight" if lexicon.threshold is not None else "that come first"
        grams = ", ".join(map(_shown, ordered["gram"].head(CLUSTERS * MEMBERS).to_list()))
        return ["## What it holds", "", f"It has no clusters. The grams {what}: {grams}."]
    rows = table.sort(
        ["cluster_df", "cluster", "doc_freq", "gram"], descending=[True, False, True, False], nulls_last=True
    )
    members: dict[int, list[str]] = {}
    holders: dict[int, int | None] = {}
    for row in rows.rows(named=True):
        if row["cluster"] is not None:
            members.setdefault(row["cluster"], []).append(row["gram"])
            holders[row["cluster"]] = row["cluster_df"]
    lines = [
        "## The largest clusters",
        "",
        "| solutions that hold a member | grams | the most frequent |",
        "| --- | --- | --- |",
    ]
    for cluster, held in list(members.items())[:CLUSTERS]:
        known = holders[cluster]
        lines.append(
            f"| {'unknown' if known is None else f'{known:,}'} | {len(held)} | {', '.join(map(_shown, held[:MEMBERS]))} |"
        )
    return lines


def _people(lexicon: Lexicon, found: Measured) -> list[str]:
    lines = ["## Agreement with people", ""]
    for one in found["agreement"]:
        both = one["majority"] if isinstance(one["majority"], Mapping) else {}
        (grams, called), (foils, also) = _marked(both.get("grams")), _marked(both.get("foils"))
        kappa = "" if one.get("kappa") is None else f"; mean kappa {_figures(one, 'kappa')[0]:.2f}"
        lines.append(
            f"- {counted(len(one['raters']), 'rater')} marked {counted(grams, 'gram')} in context, blind, among "
            f"{counted(foils, 'random n-gram')}: the majority called {called} of the grams strategic, and {also} of the "
            f"others{kappa}."
        )
    for one in found["score"]:
        lines.append(f"- Against labels of {counted(int(_figures(one, 'units')[0]), 'unit')}: {_rates(one)}.")
    cross = (lexicon.meta.get("statistics") or {}).get("cross_validation")
    by_source = cross.get("source") if isinstance(cross, Mapping) else None
    for source, one in sorted(by_source.items()) if isinstance(by_source, Mapping) else ():
        if isinstance(one, Mapping) and "f1" in one:
            lines.append(f"- Cross-validated by question, {plain(str(source))} labels: {_rates(one)}.")
    if len(lines) == 2:
        commands = " or ".join(f"`{KINDS[kind][1]}`" for kind in ("agreement", "score"))
        lines.append(f"Not measured ({commands}). Frequent is not the same as strategic.")
    return lines


def _rates(one: Mapping[str, Any]) -> str:
    precision, recall, f1, lift = _figures(one, "precision", "recall", "f1", "lift")
    return f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}, lift {lift:.2f} (1 is a random mask)"


def _marked(counts: Any) -> tuple[int, str]:
    """Returns the number of items, and the share that was called strategic with its interval."""
    counts = counts if isinstance(counts, Mapping) else {}
    items, share = _figures(counts, "items", "share")
    low, high = _figures(dict(zip(("low", "high"), counts.get("interval") or (), strict=False)), "low", "high")
    return int(items), f"{share:.0%} [{low:.0%}, {high:.0%}]"


def _figures(one: Mapping[str, Any], *names: str) -> list[float]:
    for name in names:
        if not isinstance(one.get(name), int | float):
            raise DataError(
                f"a measurement has no number under {name!r}", "give the JSON object as the command printed it"
            )
    return [float(one[name]) for name in names]


def _rights(lexicon: Lexicon) -> list[str]:
    stated = lexicon.meta.get("licence")
    return ["## Licence", "", plain(str(stated)) if stated else "Not stated: ask its owner before you pass it on."]


def _not_for(lexicon: Lexicon) -> list[str]:
    lines = [
        "## Not for", "",
        "- Judging whether a solution is right or well reasoned: a gram says only which words stand there.",
        "- Texts of another language or domain than those it was made from, without measuring it there first.",
        "- Telling texts of people from texts of models, or judging either.",
        "- A reward for its grams by itself: a policy then learns to write them (lexicon hacking).",
    ]  # fmt: skip
    if lexicon.threshold is not None:
        lines.append("- Its grams one by one: the weights mean something as the sum over a sentence only.")
    return lines


def _shown(gram: str) -> str:
    return f"\u201c{plain(gram)}\u201d"
