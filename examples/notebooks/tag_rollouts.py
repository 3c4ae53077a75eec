# %% [markdown]
# # Tag rollouts
#
# Which words, and which tokens, are planning? Needs no torch. Run it in the checkout:
# `python examples/notebooks/tag_rollouts.py`.

# %%
import numpy as np
from tokenizers import Tokenizer

from hicra import Lexicon, Tagger, corpus
from hicra.generation.models import resolve_tokenizer

rows = corpus.read("examples/rollouts.jsonl").rows

# %% [markdown]
# ## Text
# `planning` was fitted to labels and marks whole sentences; `paper` is the published list and marks its phrases.

# %%
text = rows["response"][8]
print(text)
for name in ("planning", "paper"):
    lexicon = Lexicon.load(name)
    spans = Tagger(lexicon, unit=lexicon.default_unit).spans(text)
    print(f"{name}: {[text[start:end] for start, end, gram in spans]}")

# %% [markdown]
# ## Tokens
# A token is planning when any of its bytes lies in a span. Training needs this mask, [B,T]. The tokenizer here is that of the toy
# model that comes with hicra: every word is one token. Give the folder of your own model in its place.

# %%
tokenizer = Tokenizer.from_file(str(resolve_tokenizer("plan-execute-strong") / "tokenizer.json"))
response = "let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails try another way"
ids = np.array([tokenizer.encode(response).ids])
mask = Tagger(Lexicon.from_phrases(["let us stack upwards", "that fails", "try another way"]), tokenizer).mask(
    ids, np.ones_like(ids, bool)
)
print(" ".join(word.upper() if planning else word for word, planning in zip(response.split(), mask[0], strict=True)))

# %% [markdown]
# ## All rows
# The share of planning words of each rollout; for files of any size there is `hicra tag`.

# %%
tagger = Tagger(Lexicon.load("planning"), unit="sentence")
for name, response in rows.select("id", "response").iter_rows():
    marked = sum(end - start for start, end, _ in tagger.spans(response))
    print(f"{name:10}  {marked / len(response):6.1%} of the characters")
