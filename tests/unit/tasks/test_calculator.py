"""The calculator task: the tool, the problems, the language, the score; and the demonstrations that its start model saw."""

from random import Random

import pytest

from dialogues import dialogue
from hicra.errors import ConfigError, DataError
from hicra.lexicon import Lexicon
from hicra.tasks.arithmetic import Problem
from hicra.tasks.base import make_task
from hicra.tasks.calculator import Calculator
from hicra.tasks.calculator.language import EOS, ID_OF, MODEL, PHRASES, TOOL, VOCABULARY
from hicra.tasks.calculator.problems import all_problems, calculator, in_order, second_first
from paths import ROOT

TASK = Calculator()


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("7 + 3", "10"), ("3 * 4", "12"), ("9 - 4", "5"), ("99 + 0", "99"), ("0 * 99", "0"),
        ("99 + 1", "error"), ("3 - 4", "error"),  # outside 0 to 99
        ("7 + 3 * 4", "error"), ("7", "error"), ("", "error"), ("7+3", "error"), ("+ 7 3", "error"),
        ("7 / 1", "error"), ("7 ** 2", "error"), ("-1 + 3", "error"), ("1.5 + 1", "error"), ("100 - 50", "error"),
        ("² + 1", "error"), ("__import__('os') + 1", "error"), ("10000000000000000000000 * 1", "error"),
    ],
)  # fmt: skip
def test_the_tool_works_out_one_operation_and_nothing_else(expression, result):
    assert calculator(expression) == result


def test_the_order_of_working():
    # 7 + 3 * 4: the product first, 12, then 19; from the left it would be 10, then 40
    assert in_order(Problem((7, 3, 4), ("+", "*")), True) == (12, 19)
    assert in_order(Problem((7, 3, 4), ("+", "*")), False) == (10, 40)
    # 9 - 4 - 3: from the left 5, 2; the other way 9 - (4 - 3) = 8
    assert in_order(Problem((9, 4, 3), ("-", "-")), False) == (5, 2)
    assert in_order(Problem((9, 4, 3), ("-", "-")), True) == (1, 8)
    assert [second_first(signs) for signs in (("+", "*"), ("-", "*"), ("*", "*"), ("*", "+"), ("-", "-"))] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_in_every_problem_the_order_matters_and_the_tool_can_answer():
    problems = all_problems()
    assert len(problems) == len(set(problems)) == 5501
    for problem in problems:
        second = second_first(problem.signs)
        inner, value = in_order(problem, second)
        assert value == problem.value  # Python's own precedence, by another way
        assert value == eval_by_hand(problem.text)
        assert in_order(problem, not second)[1] != value
        assert 0 <= inner <= 99
        assert 0 <= value <= 99


def eval_by_hand(text):
    """Products first, then from the left, word by word."""
    words = text.split()
    while "*" in words:
        at = words.index("*")
        words[at - 1 : at + 2] = [str(int(words[at - 1]) * int(words[at + 1]))]
    total = int(words[0])
    for sign, number in zip(words[1::2], words[2::2], strict=True):
        total += int(number) if sign == "+" else -int(number)
    return total


def test_splits_share_no_problem_and_the_seed_decides_the_order():
    train, held = TASK.rows("train"), TASK.rows("eval")
    assert len(train) + len(held) == 5501
    assert not {row["question"] for row in train} & {row["question"] for row in held}
    assert TASK.rows("train", 5, 3) == TASK.rows("train", 5, 3) != TASK.rows("train", 5, 4)
    first = train[0]
    assert first["prompt"] == [{"role": "user", "content": first["question"]}]
    with pytest.raises(ConfigError, match="eval"):
        TASK.rows("evla")


def test_the_reward_is_for_the_answer_at_the_end():
    row = {"id": "x", "question": "7 + 3 * 4", "answer": "19"}
    assert TASK.score("answer 19", row, True).reward == 1.0
    long = "times comes first <call> calculator expression 3 * 4 </call> then the rest answer 19"
    assert TASK.score(long, row, True).correct
    for text, ended in (("answer 19", False), ("19", True), ("answer 18", True), ("answer 19 19", True), ("", True)):
        assert TASK.score(text, row, ended).reward == 0.0
    assert TASK.score("answer rest", row, True).extracted is None
    with pytest.raises(DataError, match="lacks answer"):
        TASK.score("answer 19", {"id": "x"}, True)


def test_labels_have_one_function_a_word():
    text = "from the left <call> calculator expression 7 + 3 </call> now what remains answer 10 <unk>"
    assert TASK.labels(text, {}, True) == [*["plan"] * 3, *["format"] * 3, *["execute"] * 3, "format", *["plan"] * 3,
                                           "format", "format", "other"]  # fmt: skip


def test_the_summary_counts_calls_and_right_plans():
    rows = [{"question": "7 + 3 * 4", "answer": "19"}, {"question": "9 - 4 - 3", "answer": "2"}]
    texts = ["times comes first <call> x </call> then the rest <call> y </call> answer 19", "answer 2"]
    assert TASK.summary(texts, rows, [True, False]) == {
        "ended_share": 0.5, "calls": 1.0, "called_share": 0.5, "first_plan_right": 0.5,  # the second announces no plan
    }  # fmt: skip


def test_it_has_no_settings():
    assert isinstance(make_task("calculator"), Calculator)
    with pytest.raises(ConfigError, match=r"task\.settings\.digits"):
        make_task("calculator", digits=3)


def test_the_lexicon_of_the_recipe_is_all_phrases():
    assert sorted(Lexicon.load(str(ROOT / "recipes/grpo-tcr/phrases.txt")).phrases) == TASK.phrases == sorted(PHRASES)


# ---- demonstrations


def test_a_demonstration_is_what_the_tokenizer_makes_of_the_conversation():
    """Token by token what the chat template writes for the same turns, so that training and sampling see one form."""
    pytest.importorskip("transformers")
    from hicra.tasks.calculator.language import build_tokenizer

    tokenizer = build_tokenizer()
    call = lambda text: {"type": "function", "function": {"name": "calculator", "arguments": {"expression": text}}}  # noqa: E731
    messages = [
        {"role": "user", "content": "7 + 3 * 4"},
        {"role": "assistant", "content": "times comes first", "tool_calls": [call("3 * 4")]},
        {"role": "tool", "name": "calculator", "content": "12"},
        {"role": "assistant", "content": "then the rest", "tool_calls": [call("7 + 12")]},
        {"role": "tool", "name": "calculator", "content": "19"},
        {"role": "assistant", "content": "answer 19"},
    ]
    written = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False)
    random = Random(0)
    made = [dialogue(random, Problem((7, 3, 4), ("+", "*"))) for _ in range(300)]
    assert written in [one.ids for one in made]
    (same, *_) = [one for one in made if one.ids == written]
    # in the loss: the three turns of the policy with their ends; not the question, the results, and who speaks
    words = [VOCABULARY[token] for token in same.ids]
    learnt = [word for word, own in zip(words, same.in_loss, strict=True) if own]
    assert learnt.count(EOS) == 3
    assert TOOL not in learnt
    assert MODEL not in learnt
    assert learnt[:4] == ["times", "comes", "first", "<call>"]


def test_most_demonstrations_take_the_right_order_and_some_guess():
    random, problem = Random(1), Problem((7, 3, 4), ("+", "*"))
    made = [[VOCABULARY[token] for token in dialogue(random, problem).ids] for _ in range(2000)]
    right = sum(words[8] in ("times", "product") for words in made) / 2000
    one_call = sum(words.count(TOOL) == 1 for words in made) / 2000
    assert right == pytest.approx(0.6, abs=0.05)  # four standard deviations of 2,000 draws: 0.044
    assert one_call == pytest.approx(0.25, abs=0.04)
    # prompt 8, turn 11, result 3, answer 3: 25 tokens with one call; 11 + 3 more with a second
    assert {len(words) for words in made} == {25, 39}
    assert ID_OF[EOS] == 2
