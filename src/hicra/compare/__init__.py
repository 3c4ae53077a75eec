"""`hicra compare`: arms against a baseline, paired by seed, with statistics that stay honest on a few seeds.

    from hicra.compare.compare import compare
    from hicra.compare.plot import save_plot
    from hicra.compare.text import render
    result = compare(["runs/none-0", "runs/hicra-0", ...], baseline="none", metric="eval/accuracy")
    print(render(result)); save_plot(result, "compare.svg")

docs/compare.md says what each number means. `table` and `runs` read, `arms` names the arms of run folders and refuses
unlike ones, `metric` holds the checkpoint rules, `scores` lines the values up, `analyse` counts, `text` and `plot` show.
"""
