"""Training engines: each is a thin adapter in a folder of its own and an optional extra, and none imports another.

`train` is the verb: it turns a config into a run folder, whatever engine does the training.
"""
