"""The words of the calculator task, its tokenizer, and the form of a conversation.

    <bos> <user> 7 + 3 * 4 <model> times comes first <call> calculator expression 3 * 4 </call> <eos>
    <tool> 12 <model> then the rest <call> calculator expression 7 + 12 </call> <eos> <tool> 19 <model> answer 19 <eos>

The policy writes what stands between `<model>` and `<eos>`; the calculator's result is written by nobody but the tool. Every word
is one token. The tokenizer brings the chat template and the response template that TRL's tool loop asks for: the first writes a
conversation as above, and earlier turns always in the same way; the second finds the calls in what the policy wrote.
"""

from __future__ import annotations

from typing import Any

from hicra.tasks.arithmetic import SIGNS
from hicra.tasks.calculator.problems import ERROR, LARGEST_RESULT

PAD, BOS, EOS, UNK = "<pad>", "<bos>", "<eos>", "<unk>"
USER, TOOL, MODEL = "<user>", "<tool>", "<model>"  # who speaks; never a part of a turn
CALL, END_CALL, NAME, ARGUMENT, ANSWER = "<call>", "</call>", "calculator", "expression", "answer"
FIRST_FIRST = ("from the left", "left part first")  # plans: the first operation, then the second
SECOND_FIRST = ("times comes first", "product goes first")  # plans: the second operation, then the first
REST = ("then the rest", "now what remains")
PHRASES = (*FIRST_FIRST, *SECOND_FIRST, *REST)

NUMBERS = tuple(str(number) for number in range(LARGEST_RESULT + 1))
PLAN_WORDS = tuple(dict.fromkeys(word for phrase in PHRASES for word in phrase.split()))
SPECIAL = (PAD, BOS, EOS, USER, TOOL, MODEL)
VOCABULARY = (
    *SPECIAL, UNK, CALL, END_CALL, NAME, ARGUMENT, ANSWER, ERROR, *SIGNS.values(), *PLAN_WORDS, *NUMBERS,
)  # fmt: skip
ID_OF = {word: index for index, word in enumerate(VOCABULARY)}
FUNCTION_OF = {
    **dict.fromkeys(PLAN_WORDS, "plan"),
    **dict.fromkeys((*NUMBERS, *SIGNS.values(), ERROR), "execute"),
    **dict.fromkeys((CALL, END_CALL, NAME, ARGUMENT, ANSWER), "format"),
}

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if m.role == 'assistant' %} <model> {{ m.content }}{% for c in m.tool_calls or [] %} <call> {{ c.function.name }}"
    "{% for k, v in c.function.arguments.items() %} {{ k }} {{ v }}{% endfor %} </call>{% endfor %} {{ eos_token }}"
    "{% elif m.role == 'tool' %} <tool> {{ m.content }}{% else %} <user> {{ m.content }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %} <model>{% endif %}"
)
RESPONSE_TEMPLATE: dict[str, Any] = {
    "defaults": {"role": "assistant"},
    "start_anchor": MODEL,
    "fields": {
        "tool_calls": {
            "open_pattern": r"<call>\s*(?P<name>\S+)\s*", "close": END_CALL, "repeats": True, "content": "xml-inline",
            "content_args": {
                "tag_pattern": r"(?P<key>\S+) (?P<value>[^<]*[^<\s])", "value_parser": {"name": "text"},
            },
            "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
        },
        "content": {"close": EOS, "content": "text", "repeats": True, "join": " "},
    },
}  # fmt: skip


def build_tokenizer() -> Any:
    """Makes the tokenizer as transformers loads it, with both templates."""
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(WordLevel(ID_OF, unk_token=UNK))
    words.pre_tokenizer = WhitespaceSplit()
    words.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in SPECIAL])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token=PAD, bos_token=BOS, eos_token=EOS,
        model_input_names=["input_ids", "attention_mask"], clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template, tokenizer.response_template = CHAT_TEMPLATE, RESPONSE_TEMPLATE
    return tokenizer
