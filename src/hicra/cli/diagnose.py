"""The verb `hicra diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, LexiconArg, MaxBad, OnBad, Overwrite, Rollouts, Tokenizer, Undrawn, Unit


def diagnose(
    *paths: Rollouts,
    lexicon: LexiconArg = "paper",
    tokenizer: Tokenizer = None,
    unit: Unit = None,
    out: Annotated[
        Path | None, Parameter(name=["-o", "--out"], help="Also write a run folder for `hicra report`.")
    ] = None,
    overwrite: Overwrite = False,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Undrawn = UNDRAWN,
) -> None:
    """Compute every metric that the rollouts of any run allow, step by step."""
    from hicra.artifacts import check_output
    from hicra.diagnose.diagnose import diagnose as measure
    from hicra.lexicon import Lexicon

    if out:
        check_output(out, "the run folder", overwrite=overwrite, inputs=[*paths, lexicon, tokenizer], folder=True)
    result = measure(
        list(paths), Lexicon.load(lexicon), tokenizer=tokenizer, unit=unit, out=out, overwrite=overwrite, on_bad=on_bad,
        max_bad=max_bad,
    )  # fmt: skip
    from hicra.cli.step_table import step_table

    common.give(
        result,
        step_table(result["steps"]),
        then=f"hicra report {out}" if out else "the same with -o RUN, then hicra report RUN",
    )
