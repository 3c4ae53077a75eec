"""Turns texts and token ids into folded bytes that can be compared, and finds the way back. It knows nothing of lexicons.

`fold` says which characters are equal, `pieces` folds many texts at once, `tokenizer` gives the bytes of every token,
`stream` turns a batch of token ids into folded bytes, `automaton` finds many byte strings in one pass, `sentences` says where
sentences end.
"""
