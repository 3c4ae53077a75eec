"""What tools returned is saved beside the response, which stays the policy's text alone."""

import numpy as np

from hicra import Lexicon
from hicra.credit import assign
from hicra.engines.rollouts import rollout_table, tool_outputs
from hicra.engines.shaping import Shaping
from hicra.tagging import Tagger
from tokenizers_made import byte_level

TOKENIZER = byte_level()
LEXICON = Lexicon.from_phrases(["let me check"])
END = 0


def rows(*made):
    """[B,T] ids and policy mask of rows of (text, whether the policy wrote it)."""
    ids = [[one for text, _ in row for one in TOKENIZER.encode(text).ids] for row in made]
    live = [[own for text, own in row for _ in TOKENIZER.encode(text).ids] for row in made]
    width = max(map(len, ids))
    table, mask = np.zeros((len(ids), width), np.int64), np.zeros((len(ids), width), bool)
    for number, (row, own) in enumerate(zip(ids, live, strict=True)):
        table[number, : len(row)], mask[number, : len(row)] = row, own
    return table, mask


CALLS = (("let me check", True), ("42", False), (" and so", True), ("17", False), (" it is", True))
PLAIN = (("it is what it is", True),)
CUT = (("let me", True), ("never read", False))


def test_the_text_of_each_answer_and_the_character_before_which_it_stood():
    ids, live = rows(CALLS, PLAIN, CUT)
    found = tool_outputs(ids, live, Tagger(LEXICON, TOKENIZER))
    assert found == [[{"at": 12, "text": "42"}, {"at": 19, "text": "17"}], [], []]  # "let me check" has 12 characters


def test_the_table_has_them_beside_the_policys_text():
    ids, live = rows(CALLS, PLAIN)
    shaping = Shaping(assign({"name": "none"}), LEXICON, TOKENIZER)
    made = shaping.generation(
        [{"id": 3, "prompt": "q"}] * 2, ids=ids, live=live, base=np.array([0.5, -0.5]), rewards=np.array([1.0, 0.0]),
        group_size=2, n_tool_calls=np.array([2, 0]),
    )  # fmt: skip
    table = rollout_table(7, made, shaping.tagger, None, END)
    assert table["response"].to_list() == ["let me check and so it is", "it is what it is"]
    assert table["spans"].to_list()[0] == [{"start": 0, "end": 12, "gram": "let me check"}]
    assert table["n_tool_calls"].to_list() == [2, 0]
    assert table["tool_outputs"].to_list() == [[{"at": 12, "text": "42"}, {"at": 19, "text": "17"}], []]
    assert table["token_ends"].to_list()[0][-1] == 25


def test_a_row_that_the_loss_has_not_seen_has_no_entropies_and_no_log_probabilities():
    ids, live = rows(CALLS, PLAIN)
    shaping = Shaping(assign({"name": "none"}), LEXICON, TOKENIZER)
    made = shaping.generation(
        [{"id": 3, "prompt": "q"}] * 2, ids=ids, live=live, base=np.zeros(2), rewards=np.zeros(2), group_size=2
    )
    count, last = live[0].sum(), np.flatnonzero(live[0])[-1]
    made.arrays["entropies"][0], made.arrays["logprobs"][0] = 0.5, -0.25
    made.arrays["logprobs"][0, last] = np.inf
    table = rollout_table(1, made, shaping.tagger, None, END)
    assert table["entropies"].to_list() == [[0.5] * count, None]
    assert table["logprobs"].to_list() == [None, None]
    made.arrays["logprobs"][0, last] = -0.25
    assert rollout_table(1, made, shaping.tagger, None, END)["logprobs"].to_list() == [[-0.25] * count, None]
