"""Reads rollouts of any engine strictly, into one typed table with an exact account of every line.

    from hicra import corpus
    result = corpus.read("rollouts/")          # .jsonl, .jsonl.gz, .jsonl.zst, .parquet, TRL and verl dumps
    result.rows, result.kept, result.skipped, result.duplicates, result.errors

    for frame in corpus.batches("rollouts/"):  # the same, at most 4096 rows at a time

docs/reference/files.md has the rules.
"""

from __future__ import annotations

from hicra.corpus.account import BadLine
from hicra.corpus.batches import Batches, batches
from hicra.corpus.files import Paths, files_of
from hicra.corpus.reader import Corpus, inspect, read

__all__ = ["BadLine", "Batches", "Corpus", "Paths", "batches", "files_of", "inspect", "read"]
