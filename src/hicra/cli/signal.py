"""The verb `hicra signal`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Overwrite
from hicra.cli.options import given, options
from hicra.errors import ArtifactError, UsageError
from hicra.runs.find import MANIFEST, SIGNAL_KIND, SIGNAL_SCHEMA
from hicra.signal.settings import METHODS, SignalSettings

Options = options(
    SignalSettings,
    but=("seed",),
    methods="Credit methods, with commas between them; settings of one stand after an @, as in hicra@alpha=0.8. "
    f"[default: {','.join(METHODS)}]",
)


def signal(
    *,
    model: Annotated[str, Parameter(help="Model folder, or built-in name such as plan-execute-weak; required.")] = "",
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
        bool, Parameter(negative="", help="Go on with the measurement in the folder, also to more batches (--batches).")
    ] = False,
    overwrite: Overwrite = False,
    common: Common = COMMON,
) -> None:
    """Measure at a fixed model where the learning signal is, by kind of token, and what a step of each method is worth.

    `hicra signal -o DIR --resume` alone goes on with what the folder has recorded.
    """
    from hicra.cli.progress import Bar
    from hicra.findings.measured_signal import LEAST_PROJECTION, projection_note
    from hicra.lexicon.check import hidden_warning
    from hicra.runs.config import assigned
    from hicra.signal.measure import measure, refuse_before
    from hicra.signal.source import find_lexicon, find_task
    from hicra.strict import validated
    from hicra.workers.signals import ends_on_sigterm

    kept = _recorded(out) if resume and out is not None else {}
    model = model or kept.get("model", "")
    if not model:
        raise UsageError(
            "hicra signal needs a model (--model)"
            if not resume
            else f"{out} records no measurement that could go on, and no model is named (--model)",
            "use `hicra signal --model plan-execute-weak --task plan_execute`",
        )
    if not (task or data):
        task, data = kept.get("task", ""), kept.get("data", "")
    sets = dict(assigned(one, "--task-set", "attempts=1") for one in task_set) or kept.get("task_set", {})
    lexicon = lexicon or kept.get("lexicon")
    tree: dict[str, Any] = (
        kept.get("settings", {}) | given(settings) | ({} if common.seed is None else {"seed": common.seed})
    )
    if isinstance(tree.get("methods"), str):
        tree["methods"] = tuple(tree["methods"].split(","))
    chosen = validated(SignalSettings, tree)
    asked, inputs = find_task(task, data, sets)
    refuse_before(chosen, asked)
    common.warn(hidden_warning(lexicon) if lexicon else None)
    words, remark = find_lexicon(lexicon or "", asked)
    if remark:
        common.say(remark)
    if 0 < chosen.project < LEAST_PROJECTION:
        common.warn(projection_note(chosen.project))
    with Bar(chosen.batches, "signal", "batch", common.quiet) as bar, ends_on_sigterm():
        result = measure(
            chosen, model=model, task=asked, lexicon=words, inputs=inputs, out=out, read=[lexicon] if lexicon else [],
            resume=resume, overwrite=overwrite, say=bar.say, progress=bar.show,
            given={"task": task, "data": data, "task_set": sets, "lexicon": lexicon},
        )  # fmt: skip
    page = shlex.quote(f"{out.resolve().name or 'signal'}.html") if out else ""
    then = f"hicra report {shlex.quote(str(out))} -o {page}" if out else ""
    common.give({key: value for key, value in result.items() if key != "text"}, result["text"], then=then)


def _recorded(out: Path | None) -> dict[str, Any]:
    """Returns what the folder of a measurement has recorded of how it was asked for; {} where there is none.

    Raises:
        ArtifactError: hicra.json is damaged, or of something else.
    """
    from hicra.artifacts import read_manifest

    if out is None or not (out / MANIFEST).exists():
        return {}
    found = read_manifest(out / MANIFEST, SIGNAL_KIND, SIGNAL_SCHEMA)
    try:
        inputs = found["inputs"]
        kept = {"model": found["model"]["name"], "settings": found["settings"], "task": inputs.get("task", "")}
        kept |= {"task_set": inputs.get("task_settings", {}), "data": "", "lexicon": None} | found.get("given", {})
    except (KeyError, TypeError, AttributeError):
        raise ArtifactError(
            f"{out / MANIFEST} does not hold model, settings and inputs", "measure again into another folder"
        ) from None
    if "data" in inputs and not kept["data"]:  # of a version that recorded no names
        kept["task"] = ""
    return kept
