"""Lets a model call tools while it is sampled: its calls are found, carried out, and their results put behind what it wrote.

In training the engine does this itself. Here the same parts of a tokenizer do it: the response template finds the calls,
and the chat template writes their results. Nothing that stands already is tokenised again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hicra.errors import ConfigError

Tools = Sequence[Callable[..., Any]]
ASKED = {"role": "user", "content": ""}


def last_turn(messages: Sequence[Mapping[str, Any]]) -> str:
    """Returns the text of the last message if the policy wrote it, else ""."""
    last = messages[-1]
    return str(last.get("content") or "") if last.get("role") == "assistant" else ""


def tool_calls(messages: Any) -> int:
    """Counts the results of tools in a rollout: messages, or a plain text, which holds none."""
    return 0 if isinstance(messages, str) else sum(one.get("role") == "tool" for one in messages)


def converse(
    say: Callable[[Any], list[list[int]]], tokenizer: Any, prompts: Sequence[Any], tools: Tools, most: int
) -> list[list[int]]:
    """Samples conversations with tools, one a prompt.

    Args:
        say: samples one turn for each of several padded prompts (`input_ids` and `attention_mask`), cut after its end token.
        tokenizer: the model's.
        prompts: messages.
        tools: what the model may call.
        most: longest response in tokens, those of tools included; a result that would not fit ends the conversation.

    Returns:
        The ids that the model wrote, without those of tools.
    """
    refuse_without_templates(tokenizer)
    options = {"tools": list(tools), "add_generation_prompt": True, "tokenize": True, "return_dict": False}
    so_far = [list(tokenizer.apply_chat_template(prompt, **options)) for prompt in prompts]
    room, own = [most] * len(so_far), [list[int]() for _ in so_far]
    speaking = list(range(len(so_far)))
    while speaking:
        padded = tokenizer.pad(
            {"input_ids": [so_far[row] for row in speaking]}, padding_side="left", return_tensors="pt"
        )
        turns = zip(speaking, say(padded), strict=True)
        speaking = []
        for row, turn in turns:
            turn = turn[: room[row]]
            result = replies(tokenizer, so_far[row], turn, tools)
            so_far[row] += turn + result
            own[row] += turn
            room[row] -= len(turn) + len(result)
            if result and room[row] > 0:
                speaking.append(row)
    return own


def refuse_without_templates(tokenizer: Any) -> None:
    """Raises ConfigError if the tokenizer cannot write or read tool calls."""
    for name in ("chat_template", "response_template"):
        if not getattr(tokenizer, name, None):
            raise ConfigError(
                f"the task has tools, and the model's tokenizer has no {name}", "take a model that can call tools"
            )


def replies(tokenizer: Any, prompt: list[int], turn: list[int], tools: Tools) -> list[int]:
    """Carries out the calls in one turn of the policy.

    Args:
        tokenizer: has a chat template and a response template.
        prompt: the ids before the turn.
        turn: the ids of the turn.
        tools: the functions that may be called, by their names.

    Returns:
        The ids that follow the turn, up to where the policy goes on; none if the turn holds no call that can be read.
    """
    try:
        text, before = tokenizer.decode(turn), tokenizer.decode(prompt)  # of no ids it would make a list of no answers
        said = tokenizer.parse_response(text, prefix=before, tools=list(tools))
    except (ValueError, TypeError):  # the model may write anything
        return []
    calls = [call["function"] for call in said.get("tool_calls") or ()]
    if not calls:
        return []
    known = {tool.__name__: tool for tool in tools}
    results = [
        {"role": "tool", "name": call["name"], "content": str(_called(known, call["name"], call["arguments"]))}
        for call in calls
    ]
    return _written(tokenizer, results)


def _called(known: Mapping[str, Callable[..., Any]], name: str, arguments: Mapping[str, Any] | None) -> Any:
    if name not in known:
        return {"error": f"Unknown tool {name}"}
    try:
        return known[name](**(arguments or {}))
    except Exception as error:  # whatever a tool raises is its answer to the model, as in training
        return {"error": str(error)}


def _written(tokenizer: Any, results: list[dict[str, Any]]) -> list[int]:
    """Returns the ids of the results of tools: what a conversation is longer by, cut at the end token of the turn before."""
    call = {"type": "function", "function": {"name": results[0]["name"], "arguments": {}}}
    before = [ASKED, {"role": "assistant", "content": "", "tool_calls": [call]}]
    start = tokenizer.apply_chat_template(before, tokenize=True, return_dict=False)
    whole = tokenizer.apply_chat_template(
        [*before, *results], tokenize=True, return_dict=False, add_generation_prompt=True
    )
    ends = [at for at, token in enumerate(start) if token == tokenizer.eos_token_id]
    kept = ends[-1] + 1 if ends else len(start)
    if whole[:kept] != start[:kept]:
        raise ConfigError("the chat template writes an earlier turn in another way once a tool has answered", "mend it")
    return list(whole[kept:])
