"""Turns a lexicon and token ids into the planning mask, exactly; docs/concepts/tagging.md has the rule.

    Tagger(lexicon, tokenizer).mask(ids, response_mask)       # [B,T] bool
    Tagger(lexicon).spans(text)                               # (start, end, gram) in characters

`tagger` is the rule on a batch, `rows` tags rows of text, `tag` tags files of any size (`hicra tag`),
`streaming` tags rollouts while they are produced, in step (`StreamTagger`) or each in its own time (`InterleavedTagger`):

    stream = StreamTagger(tagger, rows=8)
    masks = stream.feed(ids, response_mask)  # for each row the mask of the tokens that became final
    stream.mask_so_far()  # [B,T], as if nothing more came
    rest = stream.finish()
"""

from __future__ import annotations

from hicra.corpus.need_text import with_text
from hicra.tagging.rows import SPANS, RowTagger, TaggedRows, chunks, covered, span_series
from hicra.tagging.streaming import InterleavedTagger, StreamTagger
from hicra.tagging.tag import tag_paths
from hicra.tagging.tagger import Tagged, Tagger

__all__ = [
    "SPANS", "InterleavedTagger", "RowTagger", "StreamTagger", "Tagged", "TaggedRows", "Tagger", "chunks", "covered",
    "span_series", "tag_paths", "with_text",
]  # fmt: skip
