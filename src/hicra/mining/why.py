"""Says why a gram is in a mined lexicon, or where it was dropped (`hicra mine --why GRAM`)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from hicra.drawing.readable import counted
from hicra.mining.choose import Chosen, Fate
from hicra.mining.counting.ngrams import count_ngrams
from hicra.mining.counting.segmenters import open_segmenter
from hicra.mining.counting.words import GLUE, LETTER, core, joined, size_of, split_words, tokenise, word_edges
from hicra.mining.settings import MineSettings
from hicra.text.fold import canonical_gram

BREAK = "\x00"  # what `split_words` puts at a split point


@dataclass(frozen=True)
class Why:
    """Says what became of one gram.

    Attributes:
        asked: the gram as it was asked for.
        gram: the n-gram it stands for: folded, without punctuation at its ends.
        kept: whether the lexicon holds it.
        stage: where it was decided: `not_an_ngram`, `length`, `not_found`, `min_df`, `one_question`, `limit`, `closed`,
            `max_per_doc`, `burstiness`, `contrast`, `max_embedded`, `noise`, `top_clusters` or `kept`.
        reason: one sentence.
        values: the numbers behind it.
    """

    asked: str
    gram: str
    kept: bool
    stage: str
    reason: str
    values: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns it as one JSON object."""
        return asdict(self)


def explain(
    asked: Sequence[str],
    chosen: Chosen,
    settings: MineSettings,
    solutions: Iterable[tuple[str, str | None]],
) -> list[Why]:
    """Says what became of each gram that was asked for, in that order.

    Args:
        chosen: what `choose` returned.
        settings: those that the lexicon was mined with.
        solutions: the mined solutions with their questions; read once, and only where a gram was not counted.
    """
    names = [_ngram(text, settings) for text in asked]
    rows = [_row(chosen, name) for name in names]
    whys = [
        _counted(text, chosen, settings, row) if row is not None else _before_counting(text, settings)
        for text, row in zip(asked, rows, strict=True)
    ]
    absent = [name for name, why in zip(names, whys, strict=True) if why is None]
    found = _scan(absent, solutions, settings) if absent else {}
    return [
        why or _not_counted(text, name, settings, *found[name])
        for text, name, why in zip(asked, names, whys, strict=True)
    ]


def to_text(whys: Sequence[Why]) -> str:
    """Returns one line for each gram."""
    return "\n".join(f"{why.gram!r}: {'kept' if why.kept else 'dropped'}. {why.reason}" for why in whys)


def _words(text: str, settings: MineSettings) -> list[str]:
    """Returns the words of a gram, without split points at its ends."""
    words = split_words(canonical_gram(text), open_segmenter(settings.segmenter) if settings.segmenter else None)
    solid = [at for at, word in enumerate(words) if word != BREAK]
    return words[solid[0] : solid[-1] + 1] if solid else []


def _ngram(text: str, settings: MineSettings) -> str:
    """Returns a gram without the outer punctuation of its first and last word; as it is where it is no n-gram."""
    words = _words(text, settings)
    first, last = (word_edges(words[at]) if words else None for at in (0, -1))
    if BREAK in words or first is None or last is None:
        return canonical_gram(text)
    if len(words) == 1:
        return core(words[0])
    return joined([first[0], *words[1:-1], last[1]])


def _before_counting(text: str, settings: MineSettings) -> Why | None:
    """Says why no corpus could give this gram; None where one could."""
    gram = canonical_gram(text)
    words = _words(text, settings)
    for word in words or [""]:
        if word == BREAK:
            return Why(
                text, gram, False, "not_an_ngram", "It crosses the end of a clause, or a formula (MINE-2, MINE-3)."
            )
        if word_edges(word) is None:
            return Why(
                text, gram, False, "not_an_ngram",
                f"{word.removeprefix(GLUE)!r} is a number, a symbol, a variable or a formula, which no n-gram crosses (MINE-3).",
            )  # fmt: skip
    sizes = [size_of(word, settings.segmenter is not None) for word in words]
    if settings.rule().fits(np.array([sum(sizes)])).all():
        return None
    n, letters = sum(sizes) % LETTER, max(sizes) >= LETTER
    low, high = settings.letters if letters else (settings.n_min, settings.n_max)
    with_letters = " with a letter of a script without spaces" if letters else ""
    reason = f"It has {counted(n, 'word')}; n-grams{with_letters} of {low} to {high} are mined."
    return Why(text, _ngram(text, settings), False, "length", reason, {"n": n})


def _row(chosen: Chosen, gram: str) -> int | None:
    row = bisect_left(chosen.grams.text, gram)
    return row if row < len(chosen.grams.text) and chosen.grams.text[row] == gram else None


def _scan(
    grams: Sequence[str], solutions: Iterable[tuple[str, str | None]], settings: MineSettings
) -> dict[str, tuple[int, int, int]]:
    """Reads all solutions for (distinct solutions, distinct questions, occurrences) of grams that were not counted."""
    seen: dict[str, tuple[set[str], set[str | None], int]] = {gram: (set(), set(), 0) for gram in grams}
    pieces = {gram: max(re.findall(r"[a-z]+", gram), key=len, default="") for gram in grams}
    shortest, longest = min(settings.n_min, settings.letters[0]), max(settings.n_max, settings.letters[1])
    for text, question in solutions:
        low = text.lower()
        here = [gram for gram in seen if pieces[gram] in low and text not in seen[gram][0]]
        if not here:
            continue
        found, _ = count_ngrams(tokenise([text], settings.segmenter), shortest, longest, 1)
        times = dict(zip(found.text, found.occurrences.tolist(), strict=True))
        for gram in here:
            if gram in times:
                texts, questions, total = seen[gram]
                texts.add(text)
                questions.add(question if question is not None else text)
                seen[gram] = (texts, questions, total + times[gram])
    return {gram: (len(texts), len(questions), total) for gram, (texts, questions, total) in seen.items()}


def _not_counted(asked: str, gram: str, settings: MineSettings, texts: int, questions: int, total: int) -> Why:
    values = {"doc_freq": questions if settings.count == "questions" else texts, "questions": questions}
    values["occurrences"] = total
    if not texts:
        reason = "No solution holds it outside formulas and within one clause."
        return Why(asked, gram, False, "not_found", reason, values)
    if values["doc_freq"] < settings.min_df:
        reason = f"It is in {values['doc_freq']} {_unit(settings, values['doc_freq'])}; min_df is {settings.min_df}."
        return Why(asked, gram, False, "min_df", reason, values)
    if settings.across_questions and questions == 1:
        reason = f"Its {texts} solutions all answer one question (across_questions, MINE-12)."
        return Why(asked, gram, False, "one_question", reason, values)
    reason = (
        f"It is in {texts} solutions, but the merging of near-duplicates or the limit on n-grams (MINE-18) dropped it."
    )
    return Why(asked, gram, False, "limit", reason, values)


def _counted(asked: str, chosen: Chosen, settings: MineSettings, row: int) -> Why:
    grams, fate = chosen.grams, Fate(int(chosen.fate[row]))
    frequency = int(grams.doc_freq[row])
    values: dict[str, Any] = {"doc_freq": frequency, "occurrences": int(grams.occurrences[row])}
    values |= {name: float(found[row]) for name, found in chosen.values.items() if not np.isnan(found[row])}
    where = f"It is in {frequency} {_unit(settings, frequency)}"
    stage, reason = "kept", ""
    if fate == Fate.INSIDE_LONGER:
        values["inside"] = grams.text[int(chosen.inside[row])]
        stage, reason = "closed", f"{where}, each time inside {values['inside']!r} (MINE-5)."
    elif fate == Fate.REPEATED:
        stage = "max_per_doc"
        reason = f"{where}, {values['mean_per_doc']:.3g} times each; max_per_doc is {settings.max_per_doc:g} (MINE-13)."
    elif fate == Fate.BURSTY:
        stage = "burstiness"
        reason = f"{where}; residual idf is {values['residual_idf']:.3g} bits, burstiness is {settings.burstiness:g} (MINE-14)."
    elif fate == Fate.NO_CONTRAST:
        stage = "contrast"
        reason = (
            f"{where}; its odds are {values['odds_ratio']:.3g} times those in incorrect ones, contrast is "
            f"{settings.contrast:g} (MINE-15)."
        )
    elif fate == Fate.PAST_CUT:
        left = np.flatnonzero(chosen.fate >= Fate.PAST_CUT)
        before = grams.doc_freq[left] > frequency
        before |= (grams.doc_freq[left] == frequency) & (left < row)
        values["rank"] = int(before.sum()) + 1
        stage = "max_embedded"
        reason = (
            f"{where}, rank {values['rank']} of {len(left)}; the first {settings.max_embedded} are embedded (MINE-6)."
        )
    elif fate == Fate.NOISE:
        stage, reason = "noise", f"{where}; {settings.clusterer} puts it in no cluster (MINE-17)."
    else:
        rank, kept = int(chosen.cluster[row]), int(chosen.statistics["clusters_kept"])
        values |= {"cluster": rank, "cluster_df": int(chosen.cluster_df[rank]), "joined": bool(chosen.joined[row])}
        joined = ", which it joined (MINE-16)" if values["joined"] else ""
        reason = (
            f"{where}; its cluster{joined} is in {values['cluster_df']}, rank {rank + 1} of {len(chosen.cluster_df)}"
        )
        reason += f", and the first {kept} are kept ({settings.top_clusters:g} of them, MINE-7)."
        stage = "kept" if fate == Fate.KEPT else "top_clusters"
    return Why(asked, grams.text[row], fate == Fate.KEPT, stage, reason, values)


def _unit(settings: MineSettings, count: int) -> str:
    return settings.count if count != 1 else settings.count[:-1]
