"""Sampling with tools: calls are found, carried out, and their results put behind what the model wrote."""

import pytest

from hicra.errors import ConfigError
from hicra.generation.tools import last_turn, tool_calls

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from hicra.generation.tools import converse, replies  # noqa: E402
from hicra.tasks.calculator.language import build_tokenizer  # noqa: E402
from hicra.tasks.calculator.problems import calculator  # noqa: E402

TOKENIZER = build_tokenizer()
ASKED = [{"role": "user", "content": "7 + 3 * 4"}]


def ids(text):
    return TOKENIZER(text)["input_ids"]


def answered(turn, tools=(calculator,)):
    return TOKENIZER.decode(replies(TOKENIZER, ids("<bos> <user> 7 + 3 * 4 <model>"), ids(turn), tools))


@pytest.mark.parametrize(
    ("turn", "result"),
    [
        ("times comes first <call> calculator expression 3 * 4 </call> <eos>", "<tool> 12 <model>"),
        ("<call> calculator expression 3 * 4 </call> <call> calculator expression 1 + 1 </call> <eos>",
         "<tool> 12 <tool> 2 <model>"),
        ("<call> calculator </call> <eos>", "<tool> error <model>"),
        ("answer 19 <eos>", ""),
        ("</call> 3 <eos>", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_what_a_tool_answers_to_a_turn(turn, result):
    assert answered(turn) == result


def test_a_wrong_name_or_argument_is_answered_and_not_raised():
    for turn in ("<call> 3 + 4 </call> <eos>", "<call> calculator answer 3 </call> <eos>"):
        said = answered(turn).split()
        assert said[0] == "<tool>"
        assert said[-1] == "<model>"
        assert "<unk>" in said  # the message of the error, in words that the model does not know


class Script:
    """Says the given turns, one after another, whatever it is asked; remembers what it was asked."""

    def __init__(self, *turns):
        self.turns, self.asked = list(turns), []

    def __call__(self, inputs):
        rows = zip(inputs["input_ids"], inputs["attention_mask"].bool(), strict=True)
        self.asked.append([TOKENIZER.decode(row[on]) for row, on in rows])
        said = self.turns.pop(0)
        return [ids(turn) for turn in said]


def test_a_conversation_goes_on_until_no_tool_is_called():
    call = "times comes first <call> calculator expression 3 * 4 </call> <eos>"
    script = Script(
        [call, "answer 5 <eos>"],
        ["then the rest <call> calculator expression 7 + 12 </call> <eos>"],
        ["answer 19 <eos>"],
    )
    made = converse(script, TOKENIZER, [ASKED, ASKED], [calculator], 48)
    prompt = "<bos> <user> 7 + 3 * 4 <model>"
    assert script.asked == [
        [prompt, prompt],
        [f"{prompt} {call} <tool> 12 <model>"],
        [
            f"{prompt} {call} <tool> 12 <model> then the rest <call> calculator expression 7 + 12 </call> <eos> <tool> 19 <model>"
        ],
    ]
    assert (
        TOKENIZER.decode(made[0])
        == f"{call} then the rest <call> calculator expression 7 + 12 </call> <eos> answer 19 <eos>"
    )
    assert TOKENIZER.decode(made[1]) == "answer 5 <eos>"


def test_the_longest_response_counts_the_tokens_of_the_tool():
    call = "times comes first <call> calculator expression 3 * 4 </call> <eos>"  # 11 tokens; a result has 3
    for most, last in ((15, "answer"), (16, "answer 19"), (14, ""), (13, ""), (10, "")):
        script = Script([call], ["answer 19 <eos>"])
        (made,) = converse(script, TOKENIZER, [ASKED], [calculator], most)
        assert TOKENIZER.decode(made) == " ".join([*call.split()[:most], last]).strip()


def test_a_tokenizer_without_templates_is_refused():
    plain = build_tokenizer()
    plain.response_template = None
    with pytest.raises(ConfigError, match="response_template"):
        converse(Script(), plain, [ASKED], [calculator], 48)


def test_the_text_of_the_last_turn_and_the_number_of_calls():
    call = {"role": "assistant", "content": "", "tool_calls": [{}]}
    result = {"role": "tool", "name": "calculator", "content": "12"}
    said = {"role": "assistant", "content": "answer 12"}
    assert last_turn([call, result, said]) == "answer 12"
    assert last_turn([call, result]) == ""  # what a tool wrote is no answer
    assert last_turn([{"role": "assistant", "content": None}]) == ""
    assert tool_calls([call, result, call, result, result, said]) == 3
    assert tool_calls([said]) == tool_calls("answer 12") == 0
