"""`hicra compare` compares arms with a baseline, paired by seed, with statistics that are valid for a few seeds.

    from hicra.compare.compare import compare
    from hicra.compare.plot import save_plot
    from hicra.compare.text import render
    result = compare(["runs/none-0", "runs/hicra-0", ...], baseline="none", metric="eval/accuracy")
    print(render(result)); save_plot(result, "compare.svg")

docs/how-to/compare.md says what each number means. `table` and `runs` read the input, `arms` refuses runs that cannot be
compared, `metric` has the checkpoint rules, `scores` sorts the values by arm and seed, `analyse` computes the statistics,
and `text` and `plot` show them.
"""
