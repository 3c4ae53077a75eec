"""`hicra compare`: arms against a baseline, paired by seed, with statistics that stay honest on a few seeds.

    from hicra.compare import compare, render, save_plot
    result = compare(["runs/none-0", "runs/hicra-0", ...], baseline="none", metric="eval/accuracy")
    print(render(result)); save_plot(result, "compare.svg")

docs/compare.md says what each number means. table.py and runs.py read, arms.py names the arms of run folders and refuses
unlike ones, metric.py holds the checkpoint rules, scores.py lines the values up, analyse.py counts, text.py and plot.py show.
"""

from __future__ import annotations

from hicra.compare.analyse import analyse
from hicra.compare.compare import compare
from hicra.compare.plot import plot, save_plot
from hicra.compare.scores import Scores
from hicra.compare.text import render

__all__ = ["Scores", "analyse", "compare", "plot", "render", "save_plot"]
