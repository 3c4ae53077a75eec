"""Makes a blind sheet on which people say which phrases are strategic: the check of its list that the paper reports.

Its people saw the phrases of the list and 250 other n-grams, each in a context, and called each one strategic or not (revised
version for ICLR 2026, appendix A.3). A sheet here is the same: grams of a lexicon and as many foils, each in the context of one
response, in an order that tells nothing. What each item is stands in a key, which the raters do not get.

Everything is drawn by hashes of the seed and the text, so the order of the rollouts never matters, and a sheet can be made again.

Deviations (the paper says neither how the others were drawn, nor how long a context was):
SHEET-1. A foil is a run of words inside one sentence of a rollout that shares no character with a span of the lexicon. For each
    gram there is one foil of the same number of words, so that length tells nothing, and it is prose: words of letters without
    digits, symbols or variables. Foils of the paper held formulas too ("Set X = 5"), which anyone tells from its list, so expect
    more of these to be called strategic than of its. A foil begins at a place drawn among the words of a rollout drawn, so
    frequent n-grams are drawn more often; none stands on a sheet twice, and a rollout gives a second one only where all others
    were asked before.
SHEET-2. An item is shown at one place, drawn among all where it occurs, with up to 160 characters on each side.
SHEET-3. Grams that occur in no rollout cannot be shown. They are listed in the key, and no share counts them.
SHEET-4. Of a lexicon with weights only grams of positive weight are on a sheet: those of negative weight speak against planning.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from hicra.artifacts import canonical_json, sha256_bytes
from hicra.drawing.readable import counted
from hicra.errors import DataError
from hicra.lexicon import Lexicon
from hicra.lexicon.lexicon import canonical_grams
from hicra.tagging.tagger import Span, Tagger
from hicra.text.sentences import sentences
from hicra.text.words import count_words, word_ranges

CONTEXT = 160  # characters on each side of an item (SHEET-2)
BLOCK = 256  # responses that are tagged together
SPARE = 8  # rollouts kept for each foil that is wanted: not every one has a place for it
PLACES = 64  # places that are tried in one rollout
GRAM, FOIL = "gram", "foil"
_SPACES = re.compile(" +")
_WORD = r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*"
_PROSE = re.compile(rf"{_WORD}(?:,? {_WORD})*")
_COMMAND = tuple("\\_^{$")  # what follows one of these is part of a formula
QUESTION = (
    "Does the marked phrase, where it stands, steer the solution: does it propose a plan, choose or change the way, or look back "
    "on it? Then mark it s (strategic). If it carries a step out, states a fact or only formats, mark it o (other)."
)


class InContext(NamedTuple):
    """Where an item is shown: the phrase as it is written there, and what stands around it."""

    before: str
    phrase: str
    after: str


@dataclass(frozen=True)
class SheetItem:
    """Holds one line of a sheet.

    Attributes:
        kind: "gram" or "foil".
        gram: the folded text.
        n: its number of words.
        place: where it is shown.
        cluster, doc_freq: as in the lexicon; None for a foil.
        occurrences: number of its occurrences in the rollouts; None for a foil, which is not counted.
    """

    kind: str
    gram: str
    n: int
    place: InContext
    cluster: int | None = None
    doc_freq: int | None = None
    occurrences: int | None = None


@dataclass(frozen=True)
class Sheet:
    """Holds a sheet and its key.

    Attributes:
        items: in the order in which they stand on the sheet.
        absent: grams that occur in no rollout (SHEET-3).
        left_out: number of grams that occur and were not drawn.
        seed, responses: the seed, and the number of responses that were read.
        lexicon: name and content hash.
    """

    items: list[SheetItem]
    absent: list[str]
    left_out: int
    seed: int
    responses: int
    lexicon: dict[str, str]

    @property
    def name(self) -> str:
        """Tells sheets apart: a word (which no spreadsheet takes for a number) with 8 hex digits of the sha256 of the items."""
        shown = [[one.kind, one.gram, *one.place] for one in self.items]
        return f"sheet-{sha256_bytes(canonical_json([self.lexicon, shown]).encode('utf-8', 'surrogatepass'))[:8]}"


def make_sheet(lexicon: Lexicon, texts: Iterable[str], *, grams: int = 250, seed: int = 0) -> Sheet:
    """Makes a sheet of grams and as many foils.

    Args:
        texts: the responses, read once; memory grows with the grams and not with the texts.
        grams: largest number of grams; of a larger lexicon that many are drawn among those that occur.
        seed: of all that is drawn.

    Raises:
        DataError: no gram occurs in the texts, or there is no place for a foil.
    """
    tagger = Tagger(lexicon)
    found = _Found(seed, SPARE * grams)
    for text, spans in _tagged(tagger, texts):
        found.add(text, spans)
    there = sorted(found.best, key=lambda gram: _draw(seed, "gram", gram))
    if not there:
        raise DataError(
            f"none of the {counted(len(lexicon), 'gram')} of lexicon {lexicon.name!r} occurs in "
            f"{counted(found.responses, 'response')}",
            "give rollouts of the kind that the lexicon is for",
        )
    rows = {row["gram"]: row for row in lexicon.table.rows(named=True)}
    chosen = [
        SheetItem(
            GRAM, gram, count_words(gram), found.best[gram][1], rows[gram]["cluster"], rows[gram]["doc_freq"],
            found.occurrences[gram],
        )
        for gram in there[:grams]
    ]  # fmt: skip
    foils = _foils(Counter(max(1, item.n) for item in chosen), found.kept(), tagger, seed)
    if not foils:
        raise DataError(
            f"{counted(found.responses, 'response')} hold no run of words beside the grams of lexicon {lexicon.name!r}",
            "give more rollouts",
        )
    items = sorted([*chosen, *foils], key=lambda item: _draw(seed, "order", item.kind, item.gram))
    used = {tagger.phrases[index] for index in tagger.used.tolist()}
    return Sheet(
        items, sorted(used - set(there)), len(there) - len(chosen), seed, found.responses,
        {"name": lexicon.name, "content_hash": lexicon.content_hash},
    )  # fmt: skip


class _Found:
    """Collects, in one pass, for each gram its number of occurrences and the place that is drawn, and some texts for foils."""

    def __init__(self, seed: int, texts: int) -> None:
        self.seed, self.texts = seed, texts
        self.responses = 0
        self.occurrences: Counter[str] = Counter()
        self.best: dict[str, tuple[bytes, InContext]] = {}
        self._kept: list[tuple[int, str]] = []  # a heap with the largest draw on top
        self._known: set[int] = set()

    def add(self, text: str, spans: Sequence[Span]) -> None:
        self.responses += 1
        mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        for start, end, gram in spans:
            self.occurrences[gram] += 1
            draw = _draw(self.seed, "place", gram, mark, str(start))
            if gram not in self.best or draw < self.best[gram][0]:
                self.best[gram] = (draw, _place(text, start, end))
        draw_of_text = int.from_bytes(_draw(self.seed, "text", mark), "big")
        if draw_of_text in self._known or (len(self._kept) == self.texts and -draw_of_text < self._kept[0][0]):
            return  # the same text again, or one that is drawn later than all that are kept
        self._known.add(draw_of_text)
        heapq.heappush(self._kept, (-draw_of_text, text))
        if len(self._kept) > self.texts:
            self._known.discard(-heapq.heappop(self._kept)[0])

    def kept(self) -> list[str]:
        """Returns the texts that are drawn for foils, the first one first."""
        return [text for _, text in sorted(self._kept, reverse=True)]


def _tagged(tagger: Tagger, texts: Iterable[str]) -> Iterator[tuple[str, list[Span]]]:
    rest = iter(texts)
    while block := list(islice(rest, BLOCK)):
        yield from zip(block, tagger.spans_batch(block), strict=True)


def _foils(wanted: Counter[int], texts: Sequence[str], tagger: Tagger, seed: int) -> list[SheetItem]:
    """Draws foils of the wanted numbers of words (SHEET-1); fewer where the texts have no place for them."""
    open_lengths = sorted(wanted.elements(), key=lambda n: -n)  # long ones first: they find a place least easily
    made: dict[str, SheetItem] = {}
    spans = dict(zip(texts, tagger.spans_batch(list(texts)), strict=True))
    for turn in range(SPARE):  # a second foil of a text only when every text has been asked
        for text in texts:
            if not open_lengths:
                return list(made.values())
            for n in dict.fromkeys(open_lengths):
                if item := _foil(text, spans[text], n, made, seed, turn):
                    made[item.gram] = item
                    open_lengths.remove(n)
                    break
    return list(made.values())


def _foil(
    text: str, spans: Sequence[Span], n: int, made: dict[str, SheetItem], seed: int, turn: int
) -> SheetItem | None:
    """Returns the foil of n words at the first place drawn that is free, or None where none of the places tried is."""
    words = word_ranges(text)
    inner = [words[first : first + n] for first in range(len(words) - n + 1)]
    order = sorted(range(len(inner)), key=lambda at: _draw(seed, "foil", str(n), str(turn), str(at), str(len(text))))
    ends = [high for _, high in sentences(text)]
    for at in order[:PLACES]:
        start, end = inner[at][0][0], inner[at][-1][1]
        if any(start < high < end for high in ends) or any(start < high and low < end for low, high, _ in spans):
            continue
        if text[start - 1 : start] in _COMMAND or not is_prose(text[start:end]):
            continue
        [gram] = canonical_grams([text[start:end]])
        if gram not in made:
            return SheetItem(FOIL, gram, n, _place(text, start, end))
    return None


def is_prose(text: str) -> bool:
    """Says whether a run of words holds letters alone, with apostrophes, hyphens and commas between them, and no variable.

    >>> [is_prose(text) for text in ("so, let's double-check", "b, c", "2 - 4", "we add x")]
    [True, False, False, False]
    """
    bare = "".join(char for char in text if unicodedata.category(char)[0] != "M")
    if not _PROSE.fullmatch(_line(bare)):
        return False
    return all(len(word) > 1 or not word.isascii() or word in "aiAI" for word in re.split("[,' -]+", _line(bare)))


def _draw(seed: int, *parts: str) -> bytes:
    """Returns 16 bytes that look random and depend on the seed and these parts alone; the smallest is drawn first."""
    joined = "\0".join([str(seed), *parts]).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).digest()


def _place(text: str, start: int, end: int) -> InContext:
    before, after = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
    if start > CONTEXT:
        before = "... " + (before.partition(" ")[2] if " " in before[:-1] else before)
    if end + CONTEXT < len(text):
        after = (after.rpartition(" ")[0] if " " in after[1:] else after) + " ..."
    return InContext(_line(before), _line(text[start:end]), _line(after))


def _line(text: str) -> str:
    """Writes a text on one line without control characters; each run of white space becomes one space."""
    return _SPACES.sub(" ", "".join(char if char.isprintable() else " " for char in text))
