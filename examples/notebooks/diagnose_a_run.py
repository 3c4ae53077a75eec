# %% [markdown]
# # Diagnose someone else's run
#
# You have the dump of a run that you did not start, and a question: does the model plan more, or does it only talk more? Needs no
# torch and no model. Run it in the checkout: `python examples/notebooks/diagnose_a_run.py`.

# %%
import json
from pathlib import Path

from hicra import Lexicon, corpus
from hicra.diagnose.diagnose import diagnose
from hicra.report.report import build_report

OUT = Path("runs/examples")

# %% [markdown]
# ## Their dump
# Here it is a small one in the layout of verl (`rollout_data_dir`): a file a step, with `input`, `output`, `gts` and `score`.
# Have one of your own? Put its folder in `dump` and leave this cell out. No column has to be renamed.

# %%
dump = OUT / "their-run"
dump.mkdir(parents=True, exist_ok=True)
ours = [json.loads(line) for line in Path("examples/rollouts.jsonl").read_text(encoding="utf-8").splitlines()]
for step in (1, 2):
    theirs = [
        {"input": one["question"], "output": one["response"], "gts": one["answer"], "score": float(one["reward"])}
        for one in ours
        if one["step"] == step
    ]
    (dump / f"{step}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in theirs), encoding="utf-8")

# %% [markdown]
# ## What was recognised?
# Every line is kept, skipped or a duplicate, and each of our columns says where it came from.

# %%
said = corpus.inspect(dump)
print(said["format"], said["rows"], said["kept"], said["skipped"], said["duplicates"])
print(said["columns"])

# %% [markdown]
# ## Measure it
# A metric whose inputs are missing is None and never 0: this dump has no token entropies, so there are none here.

# %%
found = diagnose(
    [dump], Lexicon.load("planning"), tokenizer=None, out=OUT / "diagnosed", on_bad="stop", max_bad=0.01, overwrite=True
)
for step in found["steps"]:
    print(
        step["step"],
        {key: step[f"hicra/{key}"] for key in ("accuracy", "length", "planning_share", "entropy_planning")},
    )

# %% [markdown]
# ## What goes wrong, in sentences
# An alarm is a reason to look and no proof. What was looked for and not seen is a result too.

# %%
for finding in found["findings"]:
    print(("! " if finding["alarm"] else "  ") + f"{finding['name']}: {finding['text']}")
print("not seen:", ", ".join(one["name"] for one in found["not_seen"]))

# %% [markdown]
# ## The page
# One file that needs no network: curves, findings, and every rollout with its planning spans lit.

# %%
report = build_report([OUT / "diagnosed"], OUT / "diagnosed.html")
print(f"open {report['report']} ({report['bytes']:,} bytes)")
