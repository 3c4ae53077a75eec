"""The tokenizer and the warm starts of the plan-execute task: what transformers loads is what the task speaks."""

from __future__ import annotations

import pytest

from hicra.tasks.plan_execute import PlanExecute
from hicra.tasks.plan_execute.language import ID_OF, VOCABULARY, build_tokenizer

TASK = PlanExecute()
PROMPT = "<bos> pebbles 10 12 3 goal 17 :"


def test_built_tokenizer_adds_nothing_and_round_trips():
    tokenizer = build_tokenizer()
    ids = tokenizer.encode(PROMPT).ids
    assert ids == [ID_OF[word] for word in PROMPT.split()]
    assert len(ids) == 8
    words = " ".join(VOCABULARY[3:])
    assert tokenizer.decode(tokenizer.encode(words).ids) == words
    assert tokenizer.encode("let us juggle").ids == [ID_OF["let"], ID_OF["us"], ID_OF["<unk>"]]
    assert tokenizer.get_vocab() == ID_OF


@pytest.mark.engine
@pytest.mark.parametrize("name", ["strong", "weak"])
def test_shipped_tokenizer_is_the_built_one(name):
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(TASK.warm_start(name))
    assert tokenizer(PROMPT)["input_ids"] == [ID_OF[word] for word in PROMPT.split()]
    assert list(tokenizer(PROMPT)) == ["input_ids", "attention_mask"]
    assert tokenizer.get_vocab() == ID_OF
    special = [tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id]
    assert special == [0, 1, 2]
    for row in TASK.rows("eval", 50):
        ids = tokenizer(row["prompt"])["input_ids"]
        assert len(ids) == 8
        assert "<bos> " + tokenizer.decode(ids, skip_special_tokens=True) == row["prompt"]
    text = "let us dip climb 13 - 16 = 17 ; that works answer 11"
    ids = tokenizer(text)["input_ids"] + [2, 0, 0]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert tokenizer.decode([*ids[:4], ID_OF["<unk>"]], skip_special_tokens=True) == "let us dip climb <unk>"


@pytest.mark.engine
@pytest.mark.parametrize(("name", "low", "high"), [("strong", 0.97, 1.0), ("weak", 0.55, 0.75)])
@pytest.mark.slow
def test_shipped_warm_start_loads_and_plays_as_documented(name, low, high):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = TASK.warm_start(name)
    assert (folder / "model.safetensors").stat().st_size <= 2_000_000
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert model.dtype == torch.float32
    assert sum(weight.numel() for weight in model.parameters()) == 344_352
    rows = TASK.rows("eval", 192)
    batch = tokenizer([row["prompt"] for row in rows], return_tensors="pt")
    torch.manual_seed(0)
    out = model.generate(**batch)[:, 8:]  # the folder's own generation config: temperature 1, the hard stop
    assert out.shape[1] <= TASK.max_new_tokens
    ended = (out == tokenizer.eos_token_id).any(dim=1).tolist()
    figures = TASK.summary(tokenizer.batch_decode(out, skip_special_tokens=True), rows, ended)
    assert low <= figures["equations_right"] <= high
    assert figures["ended_share"] > 0.9
    assert figures["strategy_entropy"] < 1.2  # the favourite rules, whatever the noun
    assert figures["first_plan_right"] < 0.3
