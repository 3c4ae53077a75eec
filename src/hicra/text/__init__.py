"""Characters, bytes and token ids: what of a text is compared, and the way back. This room knows no lexicon.

`fold` says which characters are equal, `pieces` folds many texts at once, `tokenizer` gives the bytes of every token,
`stream` turns a batch of token ids into folded bytes, `automaton` finds many byte strings in one pass, `sentences` says where
sentences end.
"""
