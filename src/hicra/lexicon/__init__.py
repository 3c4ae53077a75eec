"""A lexicon holds strategic grams and where they came from: mining makes it, tagging uses it.

    from hicra.lexicon import Lexicon
    Lexicon.load("paper"); Lexicon.from_phrases(["let me check"]).save("mine")

`lexicon` is the artifact itself, `files` reads what it is made of, `combine` makes lexicons out of lexicons, `check` finds grams
that can never match, `hub` goes to the Hugging Face hub and `card` writes the page there, `data/` holds the shipped ones.
"""

from __future__ import annotations

from hicra.lexicon.lexicon import Lexicon

__all__ = ["Lexicon"]
