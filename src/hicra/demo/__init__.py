"""`hicra demo`: the whole way on the embedded task, with figures at every stage.

run.py puts the stages in their order: sampling.py (both warm starts, and the mask of the mined lexicon), meter.py (where the
learning signal is, and what a step of each method is worth), arms.py (a short training of two arms), words.py (what is said of it
all). jobs.py runs processes side by side.
"""
