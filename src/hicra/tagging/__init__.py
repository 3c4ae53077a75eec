"""Tagging rows: responses in memory (`rows`), and files of any size (`files`, the verb `hicra tag`)."""

from __future__ import annotations

from hicra.tagging.files import tag_paths
from hicra.tagging.rows import SPANS, RowTagger, TaggedRows, chunks, covered, span_series, with_text

__all__ = ["SPANS", "RowTagger", "TaggedRows", "chunks", "covered", "span_series", "tag_paths", "with_text"]
