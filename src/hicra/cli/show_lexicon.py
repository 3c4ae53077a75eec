"""Shows a lexicon as text: clusters with their members, the most frequent first, with examples from a corpus if one is given."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from hicra.drawing.readable import counted
from hicra.lexicon import Lexicon
from hicra.tagging.tagger import Tagger

WIDTH = 120
CONTEXT = 50  # number of characters on each side of an example
EXAMPLES = 2  # number of examples per group, each from another text
BLOCK = 256  # number of texts searched at a time
_SPACES = re.compile(" +")


@dataclass(frozen=True)
class Group:
    """A cluster, or a gram without one, as it is shown.

    Attributes:
        cluster: its number; None for a gram without a cluster.
        cluster_df: number of solutions that hold a member; None if unknown.
        size: number of all its members.
        grams: the rows that are shown, the most frequent first.
        examples: {gram, before, text, after} for each example.
    """

    cluster: int | None
    cluster_df: int | None
    size: int
    grams: list[dict[str, Any]]
    examples: list[dict[str, str]] = field(default_factory=list)


def show(lexicon: Lexicon, most: int, texts: Iterable[str] | None = None) -> tuple[dict[str, Any], str]:
    """Returns the lexicon's facts with what is shown (for JSON), and a text with at most `most` grams.

    Args:
        lexicon: the lexicon.
        most: the number of grams shown, which is shared over the clusters, at least two for each.
        texts: solutions to take examples from, which are read until each group has two.
    """
    groups = _groups(lexicon, most)
    if texts is not None:
        _find_examples(groups, texts)
    result = {
        "name": lexicon.name, "grams": len(lexicon), "clusters": lexicon.clusters, "content_hash": lexicon.content_hash,
        "threshold": lexicon.threshold, **lexicon.meta, "shown": [vars(group) for group in groups],
    }  # fmt: skip
    holds = f"{counted(len(lexicon), 'gram')} in {counted(lexicon.clusters, 'cluster')}"
    lines = [f"{lexicon.name}: {holds}, sha256 {lexicon.content_hash}"]
    lines += [f"licence: {lexicon.meta['licence']}"] if lexicon.meta.get("licence") else []
    for group in groups:
        lines += _lines(group)
        if texts is not None and not group.examples:
            lines.append("    (in none of the texts given)")
    shown = sum(len(group.grams) for group in groups)
    if len(lexicon) > shown:
        lines.append(f"... and {len(lexicon) - shown} more (--most {len(lexicon)})")
    return result, "\n".join(lines)


def _groups(lexicon: Lexicon, most: int) -> list[Group]:
    """Sorts groups by falling cluster document frequency, and their members by falling weight, else by falling frequency."""
    table = lexicon.table.sort(
        ["cluster_df", "cluster", "weight", "doc_freq", "gram"],
        descending=[True, False, True, True, False],
        nulls_last=True,
    )
    members: dict[int | str, list[dict[str, Any]]] = {}
    for row in table.rows(named=True):
        members.setdefault(row["gram"] if row["cluster"] is None else row["cluster"], []).append(row)
    share = len(lexicon) if most >= len(lexicon) else max(2, most // len(members))
    groups: list[Group] = []
    left = most
    for rows in members.values():
        if left <= 0:
            break
        shown = rows[: min(share, left)]
        left -= len(shown)
        kept = [{key: row[key] for key in ("gram", "doc_freq", "weight")} for row in shown]
        groups.append(Group(rows[0]["cluster"], rows[0]["cluster_df"], len(rows), kept))
    return groups


def _lines(group: Group) -> list[str]:
    members = [_member(row) for row in group.grams]
    if group.cluster is None:
        lines = [f"  {members[0]}"]
    else:
        lines = [
            f"cluster {group.cluster}: in {counted(group.cluster_df or 0, 'solution')}, {counted(group.size, 'gram')}"
        ]
        more = [f"+{group.size - len(members)} more"] if group.size > len(members) else []
        text = " | ".join(members + more)
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    for found in group.examples:
        lines.append(f"    {found['before']}[[{found['text']}]]{found['after']}")
    return lines


def _member(row: dict[str, Any]) -> str:
    weight = "" if row["weight"] is None else f" {row['weight']:+.3g}"
    frequency = "" if row["doc_freq"] is None else f" ({row['doc_freq']})"
    return f"{row['gram']}{frequency}{weight}"


def _find_examples(groups: list[Group], texts: Iterable[str]) -> None:
    """Fills `examples` with the first occurrences in the texts; grams that have no example yet come first."""
    of = {row["gram"]: group for group in groups for row in group.grams}
    if not of:
        return
    tagger = Tagger(Lexicon.from_phrases(of))
    open_groups = len(groups)
    rest = iter(texts)
    while block := list(islice(rest, BLOCK)):
        for text, spans in zip(block, tagger.spans_batch(block), strict=True):
            best: dict[int, tuple[int, int, str]] = {}
            for start, end, gram in spans:
                group = of[gram]
                if len(group.examples) == EXAMPLES:
                    continue
                seen = gram in [found["gram"] for found in group.examples]
                held = best.get(id(group))
                if held is None or (not seen and held[2] in [found["gram"] for found in group.examples]):
                    best[id(group)] = (start, end, gram)
            for start, end, gram in best.values():
                of[gram].examples.append(_example(text, start, end, gram))
                open_groups -= len(of[gram].examples) == EXAMPLES
        if not open_groups:
            return


def _example(text: str, start: int, end: int, gram: str) -> dict[str, str]:
    before = text[max(0, start - CONTEXT) : start]
    after = text[end : end + CONTEXT]
    if start > CONTEXT:
        before = "..." + (before.partition(" ")[2] if " " in before[:-1] else before)
    if end + CONTEXT < len(text):
        after = (after.rpartition(" ")[0] if " " in after[1:] else after) + "..."
    return {"gram": gram, "before": _plain(before), "text": _plain(text[start:end]), "after": _plain(after)}


def _plain(text: str) -> str:
    """Writes a text in one line without control characters, so that a model's text cannot control the terminal."""
    return _SPACES.sub(" ", "".join(char if char.isprintable() else " " for char in text))
