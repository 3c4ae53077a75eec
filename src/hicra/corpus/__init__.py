"""The strict corpus reader: rollouts of any engine in, one typed table and an exact account of every line out.

    from hicra import corpus
    result = corpus.read("rollouts/")          # .jsonl, .jsonl.gz, .jsonl.zst, .parquet, TRL and verl dumps
    result.rows, result.kept, result.skipped, result.duplicates, result.errors

docs/corpus.md has the rules.
"""

from __future__ import annotations

from hicra.corpus.account import BadLine, Corpus
from hicra.corpus.files import Paths, files_of
from hicra.corpus.reader import inspect, read

__all__ = ["BadLine", "Corpus", "Paths", "files_of", "inspect", "read"]
