"""Finds the questions that two runs have in common: by their text, else by the ids of their rows, else it says why not.

Where one run has the texts and the other ids alone, ids serve if they name questions in the first: all rows of a question have
one id there, which no other question has. (The id of one of several responses to a question says nothing of the question.)
"""

from __future__ import annotations

import polars as pl

from hicra.drawing.readable import counted

Found = tuple[pl.DataFrame, pl.DataFrame]


def lined_up(
    base: pl.DataFrame, other: pl.DataFrame, base_name: str = "one", other_name: str = "the other"
) -> Found | str:
    """Returns the rows of both with the question in `_key`, of the steps in common where there are any; or why it cannot.

    Args:
        base, other: a row a prompt and step: step, prompt, id, and ids, the number of different ids of its rows (1 where it is
            absent).
        base_name, other_name: what the reason calls them.
    """
    tables = {base_name: base, other_name: other}
    texts = [name for name, table in tables.items() if _has(table, "prompt")]
    ids = [name for name, table in tables.items() if _has(table, "id")]
    if bare := [name for name in tables if name not in (*texts, *ids)]:
        return f"{' and '.join(bare)} {'has' if len(bare) == 1 else 'have'} neither question nor id in any row"
    key = "prompt" if len(texts) == 2 else "id"
    if key == "id" and len(ids) < 2:
        return (
            f"{texts[0]} has question texts and no id, the other ids and no question texts; "
            "--map question=COLUMN or --map id=COLUMN may name a column of both"
        )
    if key == "id" and texts and not _one_id_a_question(tables[texts[0]]):
        lacking = next(name for name in tables if name not in texts)
        return (
            f"{lacking} has no question texts, and the ids of {texts[0]} name responses and not questions; "
            "--map question=COLUMN may name a column of both"
        )
    a, b = (table.drop_nulls(key).with_columns(pl.col(key).alias("_key")) for table in tables.values())
    common = sorted({*a["step"].to_list()} & {*b["step"].to_list()})
    if common:
        a, b = (table.filter(pl.col("step").is_in(common)) for table in (a, b))
    if not {*a["_key"].to_list()} & {*b["_key"].to_list()}:
        return _nothing_shared(a, b, key)
    return a, b


def _has(table: pl.DataFrame, name: str) -> bool:
    return name in table.columns and table[name].null_count() < table.height


def _one_id_a_question(table: pl.DataFrame) -> bool:
    """Says whether ids and texts name the same things."""
    known = table.drop_nulls(["prompt", "id"])
    one_each = "ids" not in table.columns or bool((known["ids"] == 1).all())
    return one_each and known["prompt"].n_unique() == known["id"].n_unique() == known.select("prompt", "id").n_unique()


def _nothing_shared(a: pl.DataFrame, b: pl.DataFrame, key: str) -> str:
    what = "question text" if key == "prompt" else "id"
    said = f"no {what} stands in both"
    ids = [
        {*table["id"].drop_nulls().to_list()} if key == "prompt" and _has(table, "id") else set() for table in (a, b)
    ]
    if shared := len(ids[0] & ids[1]):
        there = counted(shared, "id does", "ids do")
        return f"{said}, though {there}: the texts may differ in what the prompt puts around the question"
    return said
