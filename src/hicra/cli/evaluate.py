"""The verb `hicra eval`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Overwrite, tokenizer_folder
from hicra.cli.options import given, options
from hicra.cli.reading import Map, TokenizerOfIds, no_skipping, warn_of_rest
from hicra.evaluate.settings import EvalSettings, settings_of

SamplingOptions = options(EvalSettings, but=("seed", "preset"), k="Values of k for pass@k, as in 1,4,8. [default: 1]")


def evaluate(
    *,
    model: Annotated[str, Parameter(help="Model folder, built-in name, or the endpoint's name for its model.")] = "",
    data: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=True,
            negative="",
            help="FILE, or BENCHMARK=FILE (gsm8k=test.jsonl), or one of the tasks plan_execute and arithmetic.",
        ),
    ] = (),
    samples: Annotated[
        tuple[str, ...],
        Parameter(consume_multiple=True, negative="", help="Files of saved samples instead of a model."),
    ] = (),
    map: Map = (),
    tokenizer: TokenizerOfIds = None,
    out: Annotated[Path, Parameter(name=["-o", "--out"], help="Folder for the samples and the result.")],
    preset: Annotated[
        Literal["paper", "greedy"] | None,
        Parameter(help="Named settings of sampling, prompt and mode. Options that are given override them."),
    ] = None,
    settings: SamplingOptions = SamplingOptions(),  # type: ignore[valid-type]  # noqa: B008
    workers: Annotated[int, Parameter(help="Number of processes of the verifier.")] = 2,
    timeout: Annotated[float, Parameter(help="Seconds that the verifier may take for an answer.")] = 2.0,
    resume: Annotated[bool, Parameter(negative="", help="Resume the evaluation in the folder.")] = False,
    overwrite: Overwrite = False,
    common: Common = COMMON,
) -> None:
    """Sample answers to benchmark questions, verify them, and report avg@n and pass@k with intervals."""
    from hicra.cli.progress import Bar
    from hicra.corpus.mapping import parse_mapping
    from hicra.evaluate.evaluate import evaluate as run

    seed: dict[str, Any] = {} if common.seed is None else {"seed": common.seed}
    chosen = settings_of(given(settings) | seed, preset or "")
    with no_skipping(), Bar(None, "eval", "sample", common.quiet) as bar:
        result = run(
            out=out, settings=chosen, model=model, data=data, samples=samples, mapping=parse_mapping(map),
            tokenizer=tokenizer_folder(tokenizer), resume=resume, overwrite=overwrite, workers=workers, timeout=timeout,
            say=bar.say, progress=bar.show,
        )  # fmt: skip
    for warning in result["warnings"]:
        common.warn(warning)
    warn_of_rest(result, common, [Path(path) for path in samples])
    common.give(
        {key: value for key, value in result.items() if key != "text"}, result["text"],
        then=f"hicra tag {result['samples']}",
    )  # fmt: skip
