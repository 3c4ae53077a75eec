"""Training engines, thin adapters, one folder an engine, each an optional extra; they never import each other.

`train` is the verb: a config becomes a run folder, whatever engine does the training.
"""
