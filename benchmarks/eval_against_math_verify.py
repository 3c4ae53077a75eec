"""Claim: on stored completions `hicra eval` and math-verify give the same avg@1, but for differences that are listed.

    python benchmarks/eval_against_math_verify.py FILE... -o RESULT.json

FILEs hold model solutions with `solution` (or `response`), `answer` and, where known, `correct` (a third opinion). Each is
scored by `hicra eval --samples` and, row by row in this process, by math-verify with its default settings: the gold in
dollars, the completion as it is. avg@1 is the share of right rows. Rows without a box, where `boxed` finds no answer and
math-verify takes one from the text, are counted apart as far as lenient mode agrees with it; every other row on which the
two disagree is listed with what each extracted.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from math_verify import parse, verify

from hicra import corpus
from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import settings_of
from machine import machine


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("files", nargs="+")
    arguments.add_argument("-o", "--out", type=Path)
    given = arguments.parse_args()
    logging.disable(logging.WARNING)  # math-verify logs each timeout
    result = machine("math-verify", "sympy") | {"files": {Path(file).name: one(file) for file in given.files}}
    text = json.dumps(result, indent=2, ensure_ascii=False)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


def one(file: str) -> dict[str, Any]:
    """Both figures and all differences of one file."""
    read = corpus.read(file, keep_duplicates=True).rows.filter(pl.col("answer").is_not_null())
    rows = read.to_dicts()
    with tempfile.TemporaryDirectory() as folder:
        # a question a row: files mix models, and state some questions' answers in two ways
        plain = read.select("response", "answer", "question").with_row_index("group_id")
        plain.with_columns(pl.col("group_id").cast(pl.String)).write_parquet(Path(folder) / "rows.parquet")
        made = evaluate(
            out=Path(folder) / "eval", settings=settings_of({}), samples=[str(Path(folder) / "rows.parquet")]
        )
        ours = pl.read_parquet(made["samples"])
    (entry,) = made["files"].values()
    differences, right, without_a_box, upstream = [], 0, 0, []
    for row, mine in zip(rows, ours.to_dicts(), strict=True):
        gold = parse(f"${row['answer']}$")
        theirs = parse(row["response"])
        correct = bool(verify(gold, theirs))
        right += correct
        upstream.append(row["correct"])
        if correct == (mine["verdict"] == "correct"):
            continue
        if mine["verdict"] == "no_answer" and correct == (mine["verdict_lenient"] == "correct"):
            without_a_box += 1  # math-verify takes an answer from any text, lenient mode agrees with it
        else:
            differences.append({
                "row": mine["group_id"], "gold": row["answer"], "hicra": [mine["verdict"], mine["extracted"]],
                "hicra_lenient": [mine["verdict_lenient"], mine["extracted_lenient"]],
                "math_verify": [correct, [str(each) for each in theirs]], "upstream": row["correct"],
            })  # fmt: skip
    known = [each for each in upstream if each is not None]
    return {
        "rows": len(rows),
        "avg_at_1": {
            "hicra": (ours["verdict"] == "correct").mean(),
            "hicra strict": (ours["verdict_strict"] == "correct").mean(),
            "hicra lenient": (ours["verdict_lenient"] == "correct").mean(),
            "math-verify": right / len(rows),
            "upstream": sum(known) / len(known) if known else None,
        },
        "verdicts": entry["verdicts"],
        "bad_gold": len(entry["bad_gold"]),
        "hicra_against_upstream": {
            "hicra alone right": sum(a is True and b is False for a, b in zip(ours["correct"], upstream, strict=True)),
            "upstream alone right": sum(
                a is False and b is True for a, b in zip(ours["correct"], upstream, strict=True)
            ),
        },
        "without a box, lenient mode agrees with math-verify": without_a_box,
        "differences": differences,
    }


if __name__ == "__main__":
    main()
