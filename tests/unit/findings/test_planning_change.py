"""Whether a policy plans more, on made rollouts whose answer is known, and against numbers worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_made import evidence_of
from hicra import Lexicon, stats
from hicra.diagnose.diagnose import diagnose
from hicra.errors import DataError
from hicra.findings import Finding, look
from hicra.findings.laid_spans import Laid, spans_of
from hicra.findings.planning_change import SURE, planning_change
from hicra.findings.share_changes import ShareChanges, owners
from hicra.tagging import SPANS

WORDS = {"counts": "words", "lexicon": "mine", "unit": "gram"}
MANY = ["check", "split", "count", "solve", "recall"]


def row(step: int, question: str | None, grams: Sequence[str], plain: int, **more: Any) -> dict[str, Any]:
    """A response of so many plain words and then its grams, a word each, which are lit."""
    words = [f"w{at}" for at in range(plain)] + list(grams)
    ends = np.cumsum([len(word) + 1 for word in words]).tolist()
    spans = [
        {"start": end - 1 - len(word), "end": end - 1, "gram": word} for word, end in zip(words, ends, strict=True)
    ]
    return {"step": step, "prompt": question, "response": " ".join(words), "spans": spans[plain:], **more}


def found(rows: list[dict[str, Any]], config: dict[str, Any] | None = None) -> Finding | None:
    table = pl.DataFrame(rows, schema_overrides={"spans": SPANS}, infer_schema_length=None)
    return planning_change(evidence_of([], table, WORDS if config is None else config))


def told(rows: list[dict[str, Any]], config: dict[str, Any] | None = None) -> Finding:
    finding = found(rows, config)
    assert finding is not None
    assert finding.alarm is None
    assert finding.text.startswith(finding.figures["lead"])
    json.dumps(finding.as_json(), allow_nan=False)
    return finding


def run(
    late: Callable[[int], tuple[list[str], int]], steps: Sequence[int] = (100, 1000), questions: int = 10
) -> list[dict[str, Any]]:
    """Questions that have two or three of some twenty words lit at first; `late` says the grams and plain words of the end."""
    rows = []
    for step in steps:
        for at in range(questions):
            early = [MANY[at % 5], MANY[(at + 1) % 5], *(["recall"] if at % 3 == 0 else [])], 18 + at % 2
            rows.append(row(step, f"q{at}", *(early if step == steps[0] else late(at))))
    return rows


# ---- the answers
def test_a_real_rise_is_spread_over_several_grams() -> None:
    finding = told(run(lambda at: (MANY + MANY[: 1 + at % 2], 14)))
    assert finding.figures["answer"] == "more"
    assert finding.text.startswith("It plans more. The planning share by the lexicon mine is ")
    assert finding.figures["mostly"] == []
    assert "Two steps are compared; to look for lexicon hacking takes 20." in finding.text
    assert len(finding.figures["grams"]) == 3
    assert all(f'"{one["gram"]}" +' in finding.text for one in finding.figures["grams"])


def test_chatter_that_holds_one_gram_is_no_planning() -> None:
    finding = told(run(lambda at: (["check", "split", *["problem."] * (6 + at % 2)], 14)))
    assert finding.figures["answer"] == "one_gram"
    assert finding.text.startswith('The rise is mostly one gram, "problem.". ')
    assert "It plans more." not in finding.text
    assert finding.figures["mostly"] == ["problem."]
    assert 'Without "problem." the change is -' in finding.text
    # two of 18 + 2 to 4 words at first and two of 22 or 23 in the end, so without the gram the share is lower
    low, high = finding.figures["without"][1:]
    assert low < finding.figures["without"][0] < high < 0


def test_headings_and_bold_marks_are_no_planning() -> None:
    finding = told(run(lambda at: (["check", "split", "#", "#", "**", "**", r"\(", *["1."] * (1 + at % 2)], 14)))
    assert finding.figures["answer"] == "marks"
    assert finding.text.startswith("The rise is mostly marks, not plans. ")
    assert set(finding.figures["mostly"]) == {"#", "**", r"\(", "1."}
    assert "Without the 4 grams without a letter the change is " in finding.text
    first, last = finding.figures["form_share"]
    assert (first, last) == (0, pytest.approx(65 / 85))  # 6 or 7 of 8 or 9 lit words, five times each
    assert "Of what is lit at step 1000, 76.5\u00a0% is headings or lit by marks without a letter." in finding.text


def test_a_rise_that_one_gram_leaves_is_said_without_marks_too() -> None:
    finding = told(run(lambda at: (["check", "split", *["problem."] * (7 + at % 2), *["#"] * 5], 14)))
    assert finding.figures["answer"] == "one_gram"
    without, bare = finding.figures["without"], finding.figures["without_marks_too"]
    assert without[1] > 0 > bare[0]
    assert ", and without the grams without a letter too -" in finding.text


def test_longer_responses_with_the_same_share_only_write_more() -> None:
    finding = told(run(lambda at: ([MANY[at % 5], MANY[(at + 1) % 5]] * 2, 36 + at % 3)))
    assert finding.figures["answer"] == "only_writes_more"
    assert finding.text.startswith("It only writes more. Responses go from ")
    assert finding.figures["length_change"][1] > 0


@pytest.mark.parametrize(("late", "answer", "lead"), [
    (lambda at: ([MANY[at % 5]] if at % 4 == 0 else [], 20), "less", "It plans less."),
    (lambda at: ([MANY[at % 5]] * (1 + at % 4), 19), "unknown", "Whether it plans more cannot be told."),
])  # fmt: skip
def test_less_and_unknown(late: Callable[[int], tuple[list[str], int]], answer: str, lead: str) -> None:
    finding = told(run(late))
    assert finding.figures["answer"] == answer
    assert finding.text.startswith(lead)
    assert "Most of the rise" not in finding.text


def test_a_sure_change_by_less_than_a_tenth_is_hardly_any() -> None:
    # 100 of 1000 words and then 105 or 106: surely more, by a twentieth
    rows = [
        row(step, f"q{at}", (MANY * 30)[: 100 + (step > 1) * (5 + at % 2)], 900) for step in (1, 2) for at in range(8)
    ]
    finding = told(rows)
    assert finding.figures["planning_share_change"][1] > 0
    assert finding.figures["answer"] == "hardly_more"
    assert finding.text.startswith("It plans hardly more.")
    assert "hardly_more" not in SURE


# ---- the figures
def test_the_interval_of_the_length_is_that_of_the_paired_t_test() -> None:
    lengths = [(20, 24), (30, 31), (25, 33), (50, 52), (18, 23), (40, 44)]
    rows = [
        row(step, f"q{at}", ["check"], pair[step - 1] - 1) for step in (1, 2) for at, pair in enumerate(lengths)
    ]  # the differences are 4, 1, 8, 2, 5 and 4
    figures = told(rows).figures
    compared = stats.paired_comparison([last for _, last in lengths], [first for first, _ in lengths])
    assert figures["length_change"] == pytest.approx([4, compared.low, compared.high])
    # by hand: mean 4, sd sqrt((0 + 9 + 16 + 4 + 1 + 0) / 5) = sqrt(6), t(5) = 2.5706, so 4 -+ 2.5706 sqrt(6 / 6)
    assert figures["length_change"] == pytest.approx([4, 1.4294, 6.5706], abs=1e-4)
    assert (figures["by"], figures["questions"], figures["paired"]) == ("questions", 6, 6)


def test_shares_by_hand_and_their_parts() -> None:
    rows = [row(1, f"q{at}", ["check"], 9) for at in range(5)]  # 5 of 50 words
    rows += [row(2, f"q{at}", ["check", "split", "split"], 7 + 10 * (at == 0)) for at in range(5)]  # 15 of 60
    finding = told(rows)
    assert finding.figures["planning_share"] == pytest.approx([0.1, 0.25])
    assert finding.figures["grams"] == [
        {"gram": "split", "first": 0, "last": pytest.approx(10 / 60)},
        {"gram": "check", "first": 0.1, "last": pytest.approx(5 / 60)},
    ]
    # without q0 the shares are 0.1 and 12 / 40 = 0.3; without another one 0.1 and 12 / 50 = 0.24. The five changes 0.2 and
    # four times 0.14 have the mean 0.152, so s^2 = 4/5 (0.048^2 + 4 * 0.012^2) = 0.002304, s = 0.048; t(4) = 2.7764
    assert finding.figures["planning_share_change"] == pytest.approx([0.15, 0.0167, 0.2833], abs=1e-4)
    assert finding.headline is not None
    assert finding.headline.as_json()["interval"] == pytest.approx([0.0167, 0.2833], abs=1e-4)
    assert finding.figures["answer"] == "one_gram"  # split has 10/60 = 16.7 of the 15 points
    assert "10\u00a0% of the words at step 1 and 25\u00a0% at step 2: +15.0 points" in finding.text
    assert "(95\u00a0% interval +1.7 to +28.3, over 5 questions, each at both steps)" in finding.text


def test_questions_at_both_steps_are_compared_with_themselves() -> None:
    """Questions that differ much and change alike: sure where they are the same ones, and not where they are others."""
    many = [2, 20, 6, 14, 10, 18]
    same = [
        row(s, f"q{at}", (MANY * 6)[: n + 2 * (s > 1)], 40 - n - 2 * (s > 1))
        for s in (1, 2)
        for at, n in enumerate(many)
    ]
    others = [{**one, "prompt": f"{one['step']} {one['prompt']}"} for one in same]
    assert told(same).figures["answer"] == "more"
    apart = told(others)
    assert apart.figures["answer"] == "unknown"
    assert (apart.figures["questions"], apart.figures["paired"]) == (12, 0)
    assert "over 12 questions, none at both steps" in apart.text
    # a group has its number in its step alone, so equal numbers are no pairs; an id names a row in every step
    for column, paired in (("group_id", 0), ("id", 6)):
        named = [{**one, "prompt": None, column: one["prompt"]} for one in same]
        assert told(named).figures["paired"] == paired
    nameless = told([{**one, "prompt": None} for one in same])
    assert (nameless.figures["by"], nameless.figures["paired"]) == ("responses", 0)


def test_too_few_questions_have_no_interval_and_no_answer() -> None:
    finding = told(run(lambda _: (MANY, 10), questions=4))
    assert finding.figures["planning_share_change"][1:] == [None, None]
    assert finding.figures["answer"] == "unknown"
    assert "(no interval: it takes 5 questions at each end)" in finding.text


def test_from_twenty_steps_on_the_ends_are_parts_and_the_interval_is_over_steps() -> None:
    rows = [
        row(step, f"q{step} {at}", (MANY * 2)[: (2 if step <= 10 else 7) + (step + at) % 2], 15)
        for step in range(1, 21)
        for at in range(2)
    ]
    finding = told(rows)
    assert finding.figures["ends"] == [[1, 6], [15, 20]]  # thirds of 20 steps
    assert (finding.figures["by"], finding.figures["answer"]) == ("steps", "more")
    # each step has one response with an odd gram more: 5 of 35 words, and 15 of 45
    assert finding.figures["planning_share"] == pytest.approx([5 / 35, 15 / 45])
    assert "in steps 1 to 6 and 33.3\u00a0% in steps 15 to 20" in finding.text
    assert "over steps)" in finding.text
    assert "lexicon hacking" not in finding.text  # that is looked for then


def test_what_is_missing_is_said() -> None:
    assert found([row(1, "q", ["check"], 3)]) is None
    assert found([row(step, "q", [], 3) for step in (1, 2)]) is None
    why = look(evidence_of([], pl.DataFrame([row(1, "q", ["check"], 3)]))).unlooked["planning_change"]
    assert why == "the rollouts are of 1 step, and it takes 2"
    laid = spans_of(evidence_of([], pl.DataFrame([row(1, "q", ["check"], 3)])))
    assert laid is not None
    with pytest.raises(DataError, match="one step has no change"):
        ShareChanges(laid)


def test_shares_of_characters_are_said_to_be_that() -> None:
    rows = run(lambda at: (MANY, 14))
    text = told(rows, {"counts": "tokens"}).text
    assert "of the characters at step 100" in text
    assert "Shares are of characters here, since the place of each of the tokens is not recorded." in text
    assert "lexicon" not in text.split("Two steps")[0]  # the name is not known


def test_of_a_trained_run_it_is_said_that_the_share_is_that_of_what_was_saved() -> None:
    assert "The planning share of the saved rollouts is " in told(run(lambda at: (MANY, 14)), {}).text


# ---- the same figure as the table
@pytest.mark.parametrize("own_tokens", [False, True])
def test_the_share_is_that_of_the_table(own_tokens: bool, tmp_path: Path) -> None:
    texts = ["so let me check it again\nnow", "check it , 等一下 then so", "no plan"]
    rows = []
    for step in (1, 2):
        for at, text in enumerate(texts[: 4 - step]):
            tokens = (
                {"token_ids": list(range(len(text))), "token_ends": list(range(1, len(text) + 1))} if own_tokens else {}
            )
            rows.append({"step": step, "question": f"q{at}", "response": text, **tokens})
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    lexicon = Lexicon.from_phrases(["let me check", "check it", "so", "等一下"])
    done = diagnose([tmp_path / "rows.jsonl"], lexicon, tokenizer=None, out=None, on_bad="stop", max_bad=0.0)
    [finding] = [one for one in done["findings"] if one["name"] == "planning_change"]
    assert finding["figures"]["counts"] == done["counts"] == ("tokens" if own_tokens else "words")
    for end, step in enumerate(done["steps"]):
        assert finding["figures"]["planning_share"][end] == pytest.approx(step["hicra/planning_share"])
        assert finding["figures"]["length"][end] == pytest.approx(step["hicra/length"])


# ---- which gram a unit belongs to
RANGES = st.lists(st.tuples(st.integers(0, 14), st.integers(1, 6), st.integers(0, 3), st.booleans()), max_size=10)


@given(RANGES)
def test_every_unit_belongs_to_one_gram_as_a_slow_count_says(ranges: list[tuple[int, int, int, bool]]) -> None:
    table = np.array([(gram, low, low + size) for low, size, gram, _ in ranges], np.int64).reshape(-1, 3)
    form = np.array([mark for *_, mark in ranges], np.bool_)
    one = Laid(1, np.array([0, 20]), np.zeros(1, np.uint64), table[:, 0], table[:, 1], table[:, 2], form)
    owner, _ = owners(one)
    for unit in range(20):
        holds = [(-size, low, gram) for low, size, gram, _ in ranges if low <= unit < low + size]
        assert owner[unit] == (min(holds)[2] if holds else -1)
    covered = {unit for low, size, *_ in ranges for unit in range(low, low + size)}
    assert int((owner >= 0).sum()) == len(covered)  # so the parts of the grams add up to what is lit
