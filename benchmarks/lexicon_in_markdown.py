"""Claim: of what `planning` lights in solutions written as Markdown, at least two fifths is lit by marks without a letter.

    python benchmarks/lexicon_in_markdown.py rlprobe_tulu31_steps.jsonl.gz -o benchmarks/baselines/lexicon_in_markdown.json

The lexicon lights whole sentences, and a sentence belongs to the heaviest gram in it. Counted are the lit characters in sentences
that begin with `#` or with `**`, and in those whose gram has no letter (`#`, `**`, `\\(`); then the planning share in words, and
that of the same texts without the marks of headings and of bold.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from hicra import Lexicon, corpus
from hicra.findings.laid_spans import has_letter
from hicra.tagging import RowTagger
from machine import finish, machine

_MARKS = re.compile(r"^\s*#+\s*|\*\*", re.MULTILINE)


def share(tagger: RowTagger, texts: list[str]) -> float:
    """The planning share of all words of some texts."""
    tagged = tagger.tag(texts)
    return float((tagged.planning & tagged.live).sum() / tagged.live.sum())


def measured(texts: list[str]) -> dict[str, Any]:
    """What is lit in some texts, as shares of the lit characters, and the share without marks."""
    tagger = RowTagger(Lexicon.load("planning"))
    lit: Counter[str] = Counter()
    common: Counter[str] = Counter()
    for text, spans in zip(texts, tagger.tag(texts).spans, strict=True):
        for start, end, gram in spans:
            sentence = text[start:end]
            common[sentence] += 1
            begins = "heading" if sentence.startswith("#") else "bold" if sentence.startswith("**") else ""
            names = ["all", begins, "" if has_letter(gram) else "gram_without_letter"]
            lit.update({name: end - start for name in names if name})
    return {
        "responses": len(texts), "lit_characters": lit["all"],
        **{name: round(lit[name] / lit["all"], 4) for name in ("heading", "bold", "gram_without_letter")},
        "most_lit": common.most_common(5), "planning_share": round(share(tagger, texts), 4),
        "planning_share_without_marks": round(share(tagger, [_MARKS.sub("", text) for text in texts]), 4),
    }  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("rollouts", type=Path)
    options.add_argument("-o", "--output", type=Path, default=None)
    given = options.parse_args()
    found = measured(corpus.read([given.rollouts]).rows["response"].to_list())
    return finish({**machine("polars"), "holds": found["gram_without_letter"] >= 0.4, **found}, given.output)


if __name__ == "__main__":
    sys.exit(main())
