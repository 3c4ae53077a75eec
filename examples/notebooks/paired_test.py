# %% [markdown]
# # A paired test on two Inspect logs
#
# Two models answered the same questions. Is one better, and which questions did both miss? Needs no torch and no Inspect. Run
# it in the checkout: `python examples/notebooks/paired_test.py`.

# %%
import json
from pathlib import Path
from random import Random

import polars as pl

from hicra import corpus, stats

OUT = Path("runs/examples/inspect")

# %% [markdown]
# ## Two logs
# Made up here, in Inspect's layout, so that the truth is known: B solves most questions 15 points more often than A. Have logs of
# your own? Write them as .json (`inspect log convert --to json LOG --output-dir OUT`), put their paths in `logs`, and leave this
# cell out.


# %%
def made_up(model: str, gain: float, seed: int) -> Path:
    draw, samples = Random(seed), []
    for question in range(200):
        ease = Random(question).random()  # the same for both models: this is what pairing takes out
        for epoch in (1, 2):
            right = draw.random() < min(1.0, 0.85 * ease + gain)
            said = {"role": "assistant", "content": f"The answer is {question if right else question + 1}."}
            asked = {"role": "user", "content": f"What is {question} + 0?"}
            samples.append({
                "id": question, "epoch": epoch, "input": asked["content"], "target": str(question), "messages": [asked, said],
                "scores": {"match": {"value": "C" if right else "I"}},
            })  # fmt: skip
    path = OUT / f"{model}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    log = {"version": 2, "status": "success", "eval": {"model": model, "task": "sums"}, "samples": samples}
    path.write_text(json.dumps(log), encoding="utf-8")
    return path


logs = {"A": made_up("A", 0.0, seed=1), "B": made_up("B", 0.15, seed=2)}

# %% [markdown]
# ## One row a question
# The epochs of a question are averaged: they are not independent questions. A question that one log lacks is an error here, since
# leaving it out would change what is compared.

# %%
by_question = [
    corpus.read(path).rows.group_by("group_id").agg(pl.col("correct").mean().alias(name)) for name, path in logs.items()
]
paired = by_question[0].join(by_question[1], on="group_id", how="full", coalesce=True).sort("group_id")
if paired.null_count().row(0) != (0, 0, 0):
    raise SystemExit("a question has no score in one of the logs")

# %% [markdown]
# ## The paired test
# The interval is a t interval over the differences by question, p is of a sign-flip test. Read the interval first. It speaks of
# questions like these and of these two models; with training in between, it says nothing of other seeds.

# %%
found = stats.paired_comparison(paired["B"], paired["A"])
print(f"B - A: {found.difference:+.3f} (95 % interval {found.low:+.3f} to {found.high:+.3f}), p {found.p_value:.4f}")
print(f"{found.n} questions; the verdict on these: B is {found.verdict}")
low, high = stats.welch_interval(paired["A"].to_numpy(), paired["B"].to_numpy())
print(f"the same samples without the pairs: {low:+.3f} to {high:+.3f}, which is wider")

# %% [markdown]
# ## Which did both miss?
# What neither ever solves tells nothing of the difference, but much of the benchmark.

# %%
both = paired.filter((pl.col("A") == 0) & (pl.col("B") == 0))["group_id"].to_list()
print(f"never right in either log: {len(both)} of {paired.height}, such as {both[:5]}")
gained = paired.filter((pl.col("A") == 0) & (pl.col("B") == 1))["group_id"].to_list()
lost = paired.filter((pl.col("A") == 1) & (pl.col("B") == 0))["group_id"].to_list()
print(f"only B: {len(gained)}, only A: {len(lost)}")
