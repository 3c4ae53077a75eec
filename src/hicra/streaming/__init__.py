"""Tags a rollout while it is produced: token ids come in pieces, the mask of what can no longer change goes out.

    stream = StreamTagger(tagger, rows=8)
    masks = stream.feed(ids, response_mask)  # per row the tokens that became final
    stream.mask_so_far()  # [B,T], as if nothing more came
    rest = stream.finish()

docs/tagging.md has the rules.
"""

from __future__ import annotations

from hicra.streaming.stream import StreamTagger

__all__ = ["StreamTagger"]
