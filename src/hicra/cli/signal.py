"""The verb `hicra signal`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Overwrite
from hicra.cli.options import given, options
from hicra.signal.settings import METHODS, SignalSettings

Options = options(
    SignalSettings,
    but=("seed",),
    methods="Credit methods, with commas between them; settings of one stand after an @, as in hicra@alpha=0.8. "
    f"[default: {','.join(METHODS)}]",
)


def signal(
    *,
    model: Annotated[str, Parameter(help="Model folder, or built-in name such as plan-execute-weak.")],
    task: Annotated[str, Parameter(help="The task that asks and scores, such as plan_execute.")] = "",
    task_set: Annotated[
        tuple[str, ...],
        Parameter(negative="", help="Sets a setting of the task, as in attempts=1; of the task math with --data."),
    ] = (),
    data: Annotated[
        str, Parameter(help="FILE of questions and answers instead of a task, or BENCHMARK=FILE; the verifier judges.")
    ] = "",
    lexicon: Annotated[
        str | None,
        Parameter(
            help="What marks planning tokens: a built-in lexicon, a folder or a text file. The default is the task's own phrases "
            "where it has them, else paper."
        ),
    ] = None,
    settings: Options = Options(),  # type: ignore[valid-type]  # noqa: B008
    out: Annotated[
        Path | None,
        Parameter(name=["-o", "--out"], help="Folder for the batches and the result; without it nothing is kept."),
    ] = None,
    resume: Annotated[
        bool, Parameter(negative="", help="Go on with the measurement in the folder, also to more batches.")
    ] = False,
    overwrite: Overwrite = False,
    common: Common = COMMON,
) -> None:
    """Measure at a fixed model where the learning signal is, by kind of token, and what a step of each method is worth."""
    from hicra.cli.progress import Bar
    from hicra.lexicon.check import hidden_warning
    from hicra.runs.config import assigned
    from hicra.signal.measure import measure, refuse_before
    from hicra.signal.source import find_lexicon, find_task
    from hicra.strict import validated

    tree: dict[str, Any] = given(settings) | ({} if common.seed is None else {"seed": common.seed})
    if isinstance(tree.get("methods"), str):
        tree["methods"] = tuple(tree["methods"].split(","))
    chosen = validated(SignalSettings, tree)
    asked, inputs = find_task(task, data, dict(assigned(one, "--task-set", "attempts=1") for one in task_set))
    refuse_before(chosen, asked)
    common.warn(hidden_warning(lexicon) if lexicon else None)
    words, remark = find_lexicon(lexicon or "", asked)
    if remark:
        common.say(remark)
    with Bar(chosen.batches, "signal", "batch", common.quiet) as bar:
        result = measure(
            chosen, model=model, task=asked, lexicon=words, inputs=inputs, out=out,
            read=[lexicon] if lexicon else [], resume=resume, overwrite=overwrite, say=bar.say, progress=bar.show,
        )  # fmt: skip
    then = f"hicra report {shlex.quote(str(out))} -o signal.html" if out else ""
    common.give({key: value for key, value in result.items() if key != "text"}, result["text"], then=then)
