"""What writes the actions of a related system: a tokenizer of words, a small network, its sampling and its warm start."""
