"""Serves the page of run folders with all of their rollouts, however many: on this machine alone, read-only, behind a token.

index.py knows a few numbers of every rollout, search.py finds rollouts by them and by their text, server.py answers the page, and
page.py makes it. The Parquet files of the run folders are the data: nothing is copied and nothing is written.
"""
