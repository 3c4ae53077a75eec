"""Reading an answer: finding it in a completion, one spelling for what looks the same, what kind of thing it is."""
