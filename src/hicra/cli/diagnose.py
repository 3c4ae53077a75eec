"""The verb `hicra diagnose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, LexiconArg, MaxBad, OnBad, Tokenizer, Unit


def diagnose(
    *paths: Path,
    lexicon: LexiconArg = "paper",
    tokenizer: Tokenizer = None,
    unit: Unit = None,
    out: Annotated[
        Path | None, Parameter(name=["-o", "--out"], help="Also write a run folder for `hicra report`.")
    ] = None,
    on_bad: OnBad = "stop",
    max_bad: MaxBad = 0.01,
    common: Common = COMMON,
) -> None:
    """Compute every metric that the rollouts of any run allow, step by step."""
    from hicra.diagnose.diagnose import diagnose as measure
    from hicra.lexicon import Lexicon

    result = measure(
        list(paths), Lexicon.load(lexicon), tokenizer=tokenizer, unit=unit, out=out, on_bad=on_bad, max_bad=max_bad
    )
    from hicra.cli.step_table import step_table

    common.give(
        result,
        step_table(result["steps"]),
        then=f"hicra report {out}" if out else "the same with -o RUN, then hicra report RUN",
    )
