"""Makes lexicons out of lexicons, by union or filter. The lexicons that come in are not changed.

merge([Lexicon.load("mined"), Lexicon.load("paper-n3")]).save("both")
select(Lexicon.load("mined"), n_min=4, min_df=10).save("long")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from hicra.errors import ConfigError, DataError
from hicra.lexicon.lexicon import Lexicon

STATISTICS = ("doc_freq", "mean_per_doc")


def merge(lexicons: Sequence[Lexicon], name: str = "merged") -> Lexicon:
    """Returns the union of lexicons, the same whatever their order.

    `doc_freq` and `mean_per_doc` stay where every lexicon that holds the gram says the same, and are null elsewhere.
    `cluster` and `cluster_df` are null, since clusters of two lexicons cannot be compared. Weights can be merged only under
    one threshold, and where no gram has two weights. The settings record what was merged; licences are joined.

    Args:
        lexicons: at least one. One alone comes back as it is, renamed.

    Raises:
        DataError: there is no lexicon, only some have weights, there are two thresholds, or a gram has two weights.
    """
    if not lexicons:
        raise DataError("no lexicon to merge", "name at least one lexicon")
    distinct = sorted(
        {lexicon.content_hash: lexicon for lexicon in lexicons}.values(), key=lambda lex: lex.content_hash
    )
    if len(distinct) == 1:
        return Lexicon(name, distinct[0].table, distinct[0].threshold, distinct[0].meta)
    thresholds = {lexicon.threshold for lexicon in distinct}
    if len(thresholds) > 1:
        named = ", ".join(sorted(f"{lexicon.name!r} {_threshold(lexicon)}" for lexicon in distinct))
        raise DataError(f"lexicons of different thresholds do not merge: {named}", "merge those of one threshold")
    weighted = {lexicon.table["weight"].null_count() < len(lexicon) for lexicon in distinct}
    rows = pl.concat([lexicon.table for lexicon in distinct])
    weights = rows.group_by("gram").agg(pl.col("weight").n_unique().alias("different")).filter(pl.col("different") > 1)
    if weights.height or len(weighted) > 1:
        which = f"{weights['gram'].sort()[0]!r} has two weights" if weights.height else "only some have weights"
        raise DataError(f"lexicons of different weights do not merge: {which}", "fit one lexicon on all labels instead")
    agreed = [
        pl.when(pl.col(column).n_unique() == 1).then(pl.col(column).first()).alias(column)
        for column in (*STATISTICS, "weight")
    ]
    table = rows.group_by("gram").agg(agreed)
    licences = sorted({lexicon.meta["licence"] for lexicon in distinct if lexicon.meta.get("licence")})
    return Lexicon.from_table(
        table,
        name=name,
        settings={"merged": [{"content_hash": lexicon.content_hash, "grams": len(lexicon)} for lexicon in distinct]},
        source=[source for lexicon in distinct for source in lexicon.meta.get("source", ())],
        licence="; ".join(licences) or None,
        threshold=distinct[0].threshold,
    )


def select(
    lexicon: Lexicon,
    *,
    n_min: int | None = None,
    n_max: int | None = None,
    min_df: int | None = None,
    name: str | None = None,
) -> Lexicon:
    """Returns the grams of `n_min` to `n_max` words that at least `min_df` solutions hold; statistics stay as they are.

    Raises:
        ConfigError: `n_min` is above `n_max`, or `min_df` is given for a lexicon without document frequencies.
        DataError: nothing is left.
    """
    if n_min is not None and n_max is not None and n_min > n_max:
        raise ConfigError(f"n_min {n_min} is larger than n_max {n_max}", "swap n_min and n_max")
    table = lexicon.table
    unknown = table.filter(pl.col("doc_freq").is_null())
    if min_df is not None and unknown.height:
        raise ConfigError(
            f"lexicon {lexicon.name!r} has no document frequency for {unknown.height} of {len(lexicon)} grams, such as "
            f"{unknown['gram'][0]!r}",
            "leave min_df out",
        )
    if n_min is not None:
        table = table.filter(pl.col("n") >= n_min)
    if n_max is not None:
        table = table.filter(pl.col("n") <= n_max)
    if min_df is not None:
        table = table.filter(pl.col("doc_freq") >= min_df)
    if table.is_empty():
        n = sorted(lexicon.table["n"].to_list())
        frequent = f", in at most {max(lexicon.table['doc_freq'].to_list())} solutions" if not unknown.height else ""
        raise DataError(
            f"no gram of lexicon {lexicon.name!r} is left: its grams have {n[0]} to {n[-1]} words{frequent}",
            "loosen n_min, n_max or min_df",
        )
    asked = {key: value for key, value in (("n_min", n_min), ("n_max", n_max), ("min_df", min_df)) if value is not None}
    settings: dict[str, Any] = {**lexicon.meta.get("settings", {}), "filtered": {**asked, "from": lexicon.content_hash}}
    return Lexicon(name or lexicon.name, table, lexicon.threshold, {**lexicon.meta, "settings": settings})


def _threshold(lexicon: Lexicon) -> str:
    return "has no weights" if lexicon.threshold is None else f"has {lexicon.threshold:g}"
