"""A lexicon as text: clusters with their members, most frequent first."""

from __future__ import annotations

from typing import Any

import polars as pl

from hicra.lexicon import Lexicon


def show(lexicon: Lexicon, most: int) -> tuple[dict[str, Any], str]:
    """(name, grams, clusters, content_hash and settings; a text with at most `most` grams)."""
    result = {
        "name": lexicon.name, "grams": len(lexicon), "clusters": lexicon.clusters, "content_hash": lexicon.content_hash,
        "threshold": lexicon.threshold, **lexicon.meta,
    }  # fmt: skip
    ranked = lexicon.table.sort(
        ["cluster_df", "cluster", "doc_freq", "gram"], descending=[True, False, True, False], nulls_last=True
    )
    lines = [f"{lexicon.name}: {len(lexicon)} grams in {lexicon.clusters} clusters, sha256 {lexicon.content_hash}"]
    lines += [f"licence: {lexicon.meta['licence']}"] if lexicon.meta.get("licence") else []
    known = lexicon.table["cluster"].null_count() < len(lexicon)
    if not known:
        lines += [f"  {gram}" for gram in ranked["gram"].head(most)]
    else:
        for cluster, rows in ranked.head(most).group_by("cluster", maintain_order=True):
            lines.append(f"cluster {cluster[0]}, in {rows['cluster_df'][0]} solutions")
            lines += [
                f"  {row['gram']}  ({row['doc_freq']})"
                for row in rows.select(pl.col("gram", "doc_freq")).rows(named=True)
            ]
    if len(lexicon) > most:
        lines.append(f"... and {len(lexicon) - most} more (--most {len(lexicon)})")
    return result, "\n".join(lines)
