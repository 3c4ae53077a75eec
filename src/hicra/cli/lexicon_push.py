"""The verb `hicra lexicon push`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import UNDRAWN, LexiconArg, Undrawn, load_lexicon
from hicra.drawing.readable import counted


def push(
    name: LexiconArg,
    repo: Annotated[str, Parameter(help="The repository, OWNER/NAME; it is made where it is absent.")],
    *,
    measured: Annotated[
        tuple[Path, ...],
        Parameter(
            negative="",
            help="What the card says of coverage and agreement: a file with what `hicra tag`, `hicra lexicon score` or "
            "`hicra lexicon agree` printed with --json. Repeat --measured for each file.",
        ),
    ] = (),
    licence: Annotated[str, Parameter(help="Licence of a lexicon that states none.")] = "",
    private: Annotated[bool, Parameter(negative="", help="Make a new repository private.")] = False,
    dry_run: Annotated[bool, Parameter(negative="", help="Print the card and use no network.")] = False,
    common: Undrawn = UNDRAWN,
) -> None:
    """Publish a lexicon with its card as a data set of the Hugging Face hub.

    It is written with the token of `hf auth login`, or of HF_TOKEN.
    """
    from hicra.artifacts import read_json
    from hicra.errors import DataError, UsageError
    from hicra.lexicon import Lexicon, hub
    from hicra.lexicon.card import card

    repo = hub.repo_of(repo)
    loaded = load_lexicon(name, common)
    if licence:
        if loaded.meta.get("licence"):
            raise UsageError(f"lexicon {loaded.name!r} has a licence already", "leave out --licence")
        loaded = Lexicon(loaded.name, loaded.table, loaded.threshold, {**loaded.meta, "licence": licence})
    facts: list[dict[str, Any]] = []
    for path in measured:
        fact = read_json(path, "give what a verb printed with --json")
        if not isinstance(fact, dict):
            raise DataError(f"--measured {path} holds no JSON object", "give what a verb printed with --json")
        facts.append(fact)
    result = {"repo": repo, "grams": len(loaded), "content_hash": loaded.content_hash}
    if dry_run:
        text = card(loaded, facts, repo)
        common.give({**result, "card": text}, text, then=f"hicra lexicon push {shlex.quote(name)} {repo}")
        return
    if not loaded.meta.get("licence"):
        common.warn("the lexicon states no licence, so nobody may use it; --licence TEXT states one")
    done = loaded.push_to_hub(repo, private=private, measured=facts, say=common.say)
    common.give(
        {**result, "commit": done.commit, "url": done.url, "lexicon": str(done.address)},
        f"{counted(len(loaded), 'gram')} at {done.url}",
        then=f"hicra tag PATH --lexicon {done.address}",
    )
