"""Chinese from rollouts to a mask: the commands of docs/how-to/mine.md on a small text that is made here."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hicra import cli
from hicra.labels.fit import fit
from hicra.labels.settings import FitSettings
from hicra.labels.traces import LabelledTrace
from hicra.lexicon import Lexicon
from hicra.tagging.tagger import Tagger
from tokenizers_made import byte_level, metaspace

# "let me check that again", "let us try another way", "wait, this seems wrong", "we first need to find"
MOVES = ["让我再检查一下", "我们换一种方法试试", "等等这里好像不对", "我们首先需要求出"]
STEPS = ["左边等于{}", "代入之后得到{}", "两边同时乘以{}", "化简得{}", "所以这一项是{}"]
TOPIC = "苹果的总数是"  # "the number of apples is": a few solutions say it again and again


def solution(number: int) -> str:
    """One right solution: each says two of the moves once, every eighth counts apples six times."""
    draw = random.Random(number)
    clauses = [draw.choice(STEPS).format(draw.randrange(99)) for _ in range(6)] + draw.sample(MOVES, 2)
    clauses += [f"{TOPIC}{draw.randrange(99)}" for _ in range(6 * (number % 8 == 0))]
    draw.shuffle(clauses)
    return "。".join(clauses) + "。"


@pytest.fixture
def rollouts(tmp_path: Path) -> Path:
    path = tmp_path / "rollouts.jsonl"
    rows = [{"response": solution(row), "question": f"第{row // 2}题", "correct": True} for row in range(80)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def run(*words: object) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*map(str, words)])
    assert ended.value.code == 0


def test_mined_from_chinese_rollouts_by_default(rollouts: Path, tmp_path: Path) -> None:
    for name, preset in (("zh", ()), ("alone", ("--preset", "paper"))):
        run("mine", rollouts, "-o", tmp_path / name, "--embedder", "hashing", "--top-clusters", 1, *preset)
    by_default, alone = (set(Lexicon.load(tmp_path / name).phrases) for name in ("zh", "alone"))
    assert {move[:8] for move in MOVES} <= by_default  # 8 letters is the longest
    assert {TOPIC} <= alone
    assert not [gram for gram in by_default if TOPIC[:4] in gram]
    run("tag", rollouts, "--lexicon", tmp_path / "zh", "-o", tmp_path / "tagged.parquet")
    tagged = pl.read_parquet(tmp_path / "tagged.parquet")
    for text, spans in tagged.select("response", "spans").iter_rows():
        marked = {place for span in spans for place in range(span["start"], span["end"])}
        for move in MOVES:
            at = text.find(move)
            if at >= 0:
                assert set(range(at, at + min(len(move), 8))) <= marked


@pytest.mark.parametrize("name", ["bytes of letters", "pieces of many letters", "byte fallback"])
def test_every_token_that_touches_a_chinese_gram_is_planning(name: str) -> None:
    """Expected from the offsets that the tokenizer itself gives: a token that holds a part of a letter covers that letter."""
    texts = [solution(row) for row in range(40)]
    tokenizer = {
        "bytes of letters": byte_level,  # trained on English: each letter is three tokens
        "pieces of many letters": lambda: byte_level(texts, 700),
        "byte fallback": metaspace,
    }[name]()
    tagger = Tagger(Lexicon.from_phrases([*MOVES, "等等"]), tokenizer=tokenizer)
    shared = wide = 0
    for text in texts:
        found: Any = tokenizer.encode(text)
        spans = [(start, end) for start, end, _ in tagger.spans(text)]
        expected = [any(start < high and low < end for start, end in spans) for low, high in found.offsets]
        expected[0] &= found.tokens[0] != "\u2581"  # the mark that opens a text has no bytes
        mask = tagger.mask(np.array([found.ids]), np.ones((1, len(found.ids)), bool))[0]
        assert mask.tolist() == expected
        assert any(expected)
        assert not all(expected)
        shared += sum(one == other for one, other in pairwise(found.offsets))
        wide += sum(any(low < start < high or low < end < high for start, end in spans) for low, high in found.offsets)
    if name == "pieces of many letters":
        assert wide  # such a token is planning as a whole, so the mask is a little wider than the spans
    else:
        assert shared  # several tokens of one letter: all of them are planning, or none
        assert not wide


def test_a_lexicon_fitted_to_chinese_labels_finds_the_planted_moves() -> None:
    def trace(number: int) -> LabelledTrace:
        parts = [f"{part}。" for part in solution(number).split("。") if part]
        ends = np.cumsum([len(part) for part in parts])
        plans = np.array([part[:-1] in MOVES for part in parts])
        return LabelledTrace("".join(parts), np.append(0, ends[:-1]), ends, plans, doc_id=f"q{number}", human=True)

    lexicon, report = fit([trace(number) for number in range(24)], FitSettings(folds=3))
    assert report["cv_f1"] > 0.95
    assert any(weight > 0 and gram in "".join(MOVES) for gram, weight in lexicon.table.select("gram", "weight").rows())


def test_an_english_lexicon_says_that_it_finds_nothing(rollouts: Path, tmp_path: Path, capsys: Any) -> None:
    run("tag", rollouts, "--lexicon", "planning", "-o", tmp_path / "tagged.parquet")
    assert "Han" in capsys.readouterr().err
    assert pl.read_parquet(tmp_path / "tagged.parquet")["planning_chars"].sum() == 0
