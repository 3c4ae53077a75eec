"""Looks at how much of some rollouts a lexicon marks, before a run is spent on a lexicon that finds nothing in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hicra import corpus
from hicra.corpus.account import SKIP, BadLine
from hicra.doctor.fault import Fault
from hicra.drawing.readable import counted
from hicra.errors import DataError
from hicra.lexicon import Lexicon
from hicra.lexicon.check import nothing_found, warnings_of
from hicra.tagging.rows import RowTagger, other_tokenizer
from hicra.text.decode import decoder
from hicra.text.scripts import letters_by_script

MOST_ROWS = 1000
MOST_BYTES = 2**26
WIDE = 0.5  # above this share the engines warn, too


def examine_lexicon(
    path: Path, lexicon: Lexicon, tokenizer: str | None, mapping: Mapping[str, str] | None = None
) -> tuple[dict[str, Any], list[Fault], list[str]]:
    """Tags the first rollouts of a file or folder.

    Returns:
        {lexicon, rows, tokens, planning_share, rows_with_a_span, grams, grams_found, most_frequent}, what is broken, and notes.
        Without a tokenizer, tokens are words.

    Raises:
        DataError, ConfigError: the rollouts cannot be read.
    """
    source = corpus.batches(
        [path], "stop", mapping=mapping, size=MOST_ROWS, size_bytes=MOST_BYTES, extras=False,
        decode=None if tokenizer is None else decoder(tokenizer),
    )  # fmt: skip
    try:
        frame = next(iter(source), source.empty())
    except BadLine as bad:
        raise DataError(
            bad.message, f"hicra corpus inspect {path} --on-bad skip" if bad.fix == SKIP else bad.fix
        ) from None
    frame = frame.filter(frame["response"].is_not_null())
    if frame.is_empty():
        return {}, [Fault(f"{path} holds no response that can be read", f"hicra corpus inspect {path}")], []
    texts = frame["response"].to_list()
    tagged = RowTagger(lexicon, tokenizer).tag(texts, frame["token_ids"].to_list())
    grams = Counter(gram for spans in tagged.spans for _, _, gram in spans)
    share = float(tagged.planning.sum() / max(1, tagged.live.sum()))
    found = {
        "lexicon": lexicon.name, "rows": len(texts), "tokens": int(tagged.live.sum()), "planning_share": share,
        "rows_with_a_span": sum(bool(spans) for spans in tagged.spans), "grams": len(lexicon), "grams_found": len(grams),
        "most_frequent": [gram for gram, _ in grams.most_common(3)],
    }  # fmt: skip
    notes = warnings_of(lexicon, None, tokenizer)
    if not grams:
        said = nothing_found(lexicon, len(texts), letters_by_script(texts))
        return found, [Fault(f"{said}; with it the method changes nothing", f"hicra mine {path} -o LEXICON")], notes
    if foreign := other_tokenizer(*tagged.marked, tokenizer):
        return found, [Fault(foreign, "give --tokenizer the folder of the model that wrote these rollouts")], notes
    if share > WIDE:
        tokens = "words" if tokenizer is None else "tokens"
        what = f"lexicon {lexicon.name!r} marks {share:.0%} of the {tokens} of {counted(len(texts), 'row')}, more than half"
        return found, [Fault(what, f"hicra lexicon show {lexicon.name}")], notes
    return found, [], notes
