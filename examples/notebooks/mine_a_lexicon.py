# %% [markdown]
# # Mine a lexicon
#
# Which phrases do right solutions of different questions share? Needs no torch. Run it in the checkout, cell by cell or whole:
# `python examples/notebooks/mine_a_lexicon.py`. The 16 rollouts here are too few to mine; put your own path in `ROLLOUTS`.

# %%
from pathlib import Path

from hicra import corpus
from hicra.mining.mine import mine_paths
from hicra.mining.settings import MineSettings

ROLLOUTS = "examples/rollouts.jsonl"
OUT = Path("runs/examples/lexicon")

# %% [markdown]
# ## Look before you mine
# Only right solutions are mined, so something must say which are right: `correct`, or else `reward`.

# %%
read = corpus.read(ROLLOUTS)
print(f"{read.format}: {read.kept} rows kept, {read.skipped} skipped, {read.duplicates} duplicates")
print(f"{read.rows['correct'].sum()} of them are right; {read.rows['question'].n_unique()} questions")

# %% [markdown]
# ## Mine
# The embedder `hashing` needs nothing to be installed. The lexicon is the same bytes on every machine.

# %%
lexicon, report = mine_paths(ROLLOUTS, MineSettings(embedder="hashing"), name="mine")
print(f"{report['solutions']} solutions, {report['ngrams']} n-grams counted, {report['grams']} kept")
print(lexicon.table.select("gram", "cluster", "doc_freq"))

# %% [markdown]
# ## Why is a phrase not in it?
# Every n-gram that was dropped was dropped by a rule, and `why` names it.

# %%
_, explained = mine_paths(ROLLOUTS, MineSettings(embedder="hashing"), why=["let me try another way", "we need to find"])
for one in explained["why"]:
    print(one)

# %% [markdown]
# ## Keep it
# A folder with `lexicon.json` and `grams.parquet`. Its name goes wherever a lexicon is taken, as in `hicra tag --lexicon FOLDER`.

# %%
lexicon.save(OUT, overwrite=True)
print(f"{OUT}: {len(lexicon)} grams, sha256 {lexicon.content_hash[:12]}...")
