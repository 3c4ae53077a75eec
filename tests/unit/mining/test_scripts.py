"""Mining where a script has no spaces: each letter is a word, or a segmenter says what is one."""

from __future__ import annotations

import importlib.util
import random

import pydantic
import pytest

from hicra.errors import ConfigError, DataError
from hicra.lexicon import Lexicon
from hicra.mining.counting.ngrams import CountRule, count_ngrams
from hicra.mining.counting.segmenters import open_segmenter
from hicra.mining.counting.words import LETTER, joined, size_of, split_words, tokenise, word_edges
from hicra.mining.mine import mine
from hicra.mining.settings import MineSettings
from hicra.mining.why import explain
from hicra.tagging.tagger import Tagger

MADE = "segmenter_made:longest"


def counted(text: list[str], low: int, high: int, segmenter: str | None = None) -> dict[str, int]:
    grams, _ = count_ngrams(tokenise(text, segmenter), low, high, 1)
    return dict(zip(grams.text, grams.occurrences.tolist(), strict=True))


# ---- words
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("让我再检查，一下", ["让", "\x01我", "\x01再", "\x01检", "\x01查", "\x00", "一", "\x01下"]),
        ("用 so 来", ["用", "so", "来"]),
        ("用so来", ["用", "\x01so", "\x01来"]),
        ("结果（对）吗？好", ["结", "\x01果", "\x00", "对", "\x00", "吗", "\x00", "好"]),
        ("か\u3099ん", ["か\u3099", "\x01ん"]),
        ("let me", ["let", "me"]),
    ],
)
def test_words_of_a_script_without_spaces(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_words_put_together_again() -> None:
    assert joined(["让", "\x01我", "so", "\x01再"]) == "让我 so再"
    assert joined(["\x01我", "\x01再"]) == "我再"
    assert word_edges("\x01我,") == ("我,", "\x01我")  # an n-gram that begins here begins without the glue
    assert (size_of("so", False), size_of("\x01我", False), size_of("\x01我们", True)) == (1, LETTER + 1, 1)


def test_counts_by_hand() -> None:
    assert counted(["等一下，等一", "ok等 一下"], 2, 3) == {
        "等一": 2, "一下": 2, "等一下": 1, "ok等": 1, "等 一": 1, "ok等 一": 1, "等 一下": 1,
    }  # fmt: skip
    assert counted(["3个等²一下"], 1, 2) == {"个": 1, "一": 1, "下": 1, "一下": 1}  # numbers split, as anywhere


def test_the_length_is_in_words_of_the_tagging_rule() -> None:
    assert counted(["let's double-check it"], 3, 3) == {"let's double-check": 1, "double-check it": 1}
    assert counted(["## step by step"], 3, 3) == {
        "## step by step": 1,
        "step by step": 1,
    }  # a heading mark has no length
    assert counted(["a-b-c-d so"], 1, 2) == {"so": 1}


def test_letters_have_their_own_limits() -> None:
    tokens = tokenise(["so we go 让我再检查一下 now"])
    rule = CountRule(3, 3, 1, letters_min=7, letters_max=8)
    assert list(rule.widths(tokens)) == list(range(1, 9))
    assert list(rule.widths(tokenise(["so we go"]))) == [1, 2, 3]
    settings = MineSettings(
        embedder="hashing", n_max=3, letters_min=7, letters_max=8, min_df=1, closed=False, top_clusters=1.0
    )
    table = mine(["so we go 让我再检查一下 now"], settings).table
    found = dict(table.select("gram", "n").iter_rows())
    assert len(found) == 1 + 5 + 4  # of three words without a letter, of seven and of eight with one
    assert (found["so we go"], found["让我再检查一下"], found["so we go 让我再检"]) == (3, 7, 7)
    assert found["so we go 让我再检查"] == found["让我再检查一下 now"] == 8


# ---- markup
@pytest.mark.parametrize(
    "text",
    [
        "so <think> we", "so </think> we", "so<think>we", "so <br/> we", 'so <a href="x y" id=z> we', "so <|im_start|> we",
        "so <tool_call> we", "so <ns:tag-1.x> we", "so <\uff5cend\u2581of\u2581sentence\uff5c> we", "so <answer >we",
    ],
)  # fmt: skip
def test_markup_is_no_word(text: str) -> None:
    assert [word for word in split_words(text) if word != "\x00"] == ["so", "we"]


def test_signs_of_less_and_more_are_no_markup() -> None:
    words = [word for word in split_words("a < b and c > d, so x<y and z>w, <3") if word != "\x00"]
    assert words == ["a", "b", "and", "c", "d,", "so", "x", "y", "and", "z", "w,", "3"]


def test_markup_is_cut_in_linear_time_on_hostile_text() -> None:
    for piece in ("<a ", "<a x=", "<a x=1 ", "<a x='", "<|a", "</", "<a x=1" + "1" * 50):
        assert isinstance(split_words(piece * 50_000), list)  # a quadratic scan would not end


# ---- end to end
STEPS = ["我们先计算左边", "然后代入公式", "得到一个新的方程", "化简之后", "两边同时平方"]
PLANS = ["让我再检查一下", "换一种方法试试", "等一下，这里好像有问题"]


def solutions(count: int = 60) -> list[str]:
    draw = random.Random(0)
    return [
        "。".join(
            f"{draw.choice(PLANS)}{row}" if draw.random() < 0.4 else f"{draw.choice(STEPS)}{row}得{draw.randrange(99)}"
            for _ in range(6)
        )
        for row in range(count)
    ]


SETTINGS = MineSettings(embedder="hashing", top_clusters=1.0)


def test_chinese_solutions_give_a_lexicon_that_the_tagger_finds_again() -> None:
    texts = solutions()
    table = mine(texts, SETTINGS).table
    grams = table["gram"].to_list()
    assert {"让我再检查一下", "换一种方法试试", "这里好像有问题"} <= set(grams)
    assert "等一下" not in grams  # 3 letters
    assert table["n"].min() == 4
    assert table["n"].max() == 8
    tagger = Tagger(Lexicon.from_table(table, name="zh"))
    hits: dict[str, list[int]] = {}
    for text in texts:
        here = [gram for _, _, gram in tagger.spans(text)]
        for gram in set(here):
            hits.setdefault(gram, []).append(here.count(gram))
    for gram, frequency, mean in table.select("gram", "doc_freq", "mean_per_doc").iter_rows():
        assert len(hits[gram]) == frequency
        assert sum(hits[gram]) / frequency == mean


def test_a_given_length_is_taken_for_letters_too() -> None:
    grams = (
        mine(solutions(), SETTINGS.model_copy(update={"n_min": 2, "n_max": 3, "closed": False})).table["gram"].to_list()
    )
    assert "等一下" in grams
    assert {len(gram) for gram in grams} == {2, 3}


@pytest.mark.parametrize(
    ("given", "letters"),
    [
        ({}, (4, 8)), ({"n_min": 1}, (1, 8)), ({"n_max": 2, "n_min": 2}, (2, 2)), ({"n_max": 3}, (3, 3)), ({"n_max": 8}, (4, 8)),
        ({"letters_min": 10}, (10, 10)), ({"letters_max": 2}, (2, 2)), ({"n_min": 2, "letters_min": 5}, (5, 8)),
        ({"n_min": 1, "n_max": 2, "letters_min": 3, "letters_max": 9}, (3, 9)),
    ],
)  # fmt: skip
def test_lengths_in_letters(given: dict[str, int], letters: tuple[int, int]) -> None:
    settings = MineSettings(embedder="hashing", **given)  # type: ignore[arg-type]
    assert settings.letters == letters
    resolved = settings.resolved()
    assert (resolved.letters_min, resolved.letters_max) == letters == resolved.resolved().letters


def test_lengths_in_letters_that_contradict_each_other() -> None:
    with pytest.raises(pydantic.ValidationError, match="letters_min 6 is larger than letters_max 4"):
        MineSettings(n_max=4, letters_min=6)


def test_too_short_a_text_says_both_lengths() -> None:
    with pytest.raises(DataError, match=r"no n-gram of 3 to 5 words \(or 4 to 8 letters of a script without spaces\)"):
        mine(["等一下"], SETTINGS)


# ---- a segmenter
def test_a_segmenter_says_what_a_word_is() -> None:
    assert open_segmenter(MADE)("“让我再检查,一下”ok") == ["“让我", "再检查,", "一下”", "ok"]
    assert counted(["让我再检查一下这个结果"], 2, 2, MADE) == {
        "让我再检查": 1,
        "再检查一下": 1,
        "一下这个": 1,
        "这个结果": 1,
    }
    settings = SETTINGS.model_copy(update={"segmenter": MADE})
    result = mine(
        [*solutions(), "let me check 让我再检查一下这个结果", "let me check 让我再检查一下这个结果吧"], settings
    )
    found = dict(result.table.select("gram", "n").iter_rows())
    assert result.settings["segmenter"] == MADE
    assert found["让我再检查一下"] == 7  # three words of the segmenter, seven of the tagging rule
    assert not [gram for gram in found if gram.startswith("我再检")]


def test_segmenters_that_cannot_serve() -> None:
    for name, message in (
        ("jiebaa", "no segmenter 'jiebaa'(.|\n)*jieba"),
        ("no_such_module:cut", "not installed: no_such_module(.|\n)*pip install no_such_module"),
        ("segmenter_made:shortest", "has no 'shortest'"),
    ):
        with pytest.raises(ConfigError, match=message):
            mine(solutions(2), SETTINGS.model_copy(update={"segmenter": name}))
    for name, said in (
        ("builtins:len", "turns '数学' into int, and not into the list of its words"),
        ("builtins:str", "turns '数学' into str"),
        ("builtins:int", "fails on '数学': ValueError"),
        ("os:name", "'name' is no function"),
    ):
        with pytest.raises(ConfigError, match=f"{said}(.|\n)*to the list of its words"):
            mine(["Let us check the sum."], SETTINGS.model_copy(update={"segmenter": name}))
    with pytest.raises(DataError, match="'segmenter_made:loses' turned '我们"):
        mine(["我们先计算"], SETTINGS.model_copy(update={"segmenter": "segmenter_made:loses"}))


@pytest.mark.skipif(importlib.util.find_spec("jieba") is None, reason="jieba is not installed: pip install jieba")
def test_jieba() -> None:
    assert open_segmenter("jieba")("让我再检查一下这个结果。") == ["让", "我", "再", "检查一下", "这个", "结果。"]


# ---- why
def test_why_says_what_became_of_a_chinese_gram() -> None:
    texts = solutions()
    result = mine(texts, SETTINGS)
    asked = [
        "让我再检查一下。",
        "我再检查",
        "等一下",
        "没有这样的话",
        "等一下，这里",
        "let me check this again and again",
    ]
    whys = explain(asked, result.chosen, SETTINGS, [(text, None) for text in texts])
    assert [why.stage for why in whys] == ["kept", "closed", "length", "not_found", "not_an_ngram", "length"]
    assert whys[0].gram == "让我再检查一下"
    assert whys[2].reason == "It has 3 words; n-grams with a letter of a script without spaces of 4 to 8 are mined."
    assert whys[5].reason == "It has 7 words; n-grams of 3 to 5 are mined."
