"""What a model was trained with, kept beside its weights: the method, its settings, and the lexicon by name and hash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, write_text
from hicra.version import __version__, installed

FILE = "hicra_credit.json"
KIND, SCHEMA_VERSION = "hicra.credit", 1
HEADING = "## Credit assignment"


def description(trainer: Any) -> dict[str, Any]:
    """Returns what a trainer with HicraMixin trains with, as JSON values."""
    shaping = trainer.hicra_shaping
    first = shaping.credit.shapers[0]
    return {
        "kind": KIND, "schema_version": SCHEMA_VERSION, "method": first.entry.name, "settings": dict(first.settings),
        "source": first.entry.source, **shaping.credit.described(), "unit": shaping.tagger.unit,
        "lexicon": {"name": shaping.lexicon.name, "content_hash": shaping.lexicon.content_hash},
        "package_version": __version__, "trl_version": installed("trl"),
    }  # fmt: skip


def write_beside(folder: Path, trainer: Any) -> None:
    """Writes the description into the folder of a model."""
    write_text(folder / FILE, canonical_json(description(trainer)))


def add_to_card(card: Path, trainer: Any) -> None:
    """Adds the description to the model card that TRL has written, which says GRPO whatever the method is."""
    if not card.exists():
        return
    found = description(trainer)
    said = card.read_text(encoding="utf-8").split(f"\n{HEADING}\n")[0].rstrip()
    rows = [
        f"This model was trained with hicra {found['package_version']}, which shapes the advantages of GRPO token by token:",
        "",
        f"- method: `{found['method']}` ({found['source']})",
        f"- settings: `{json.dumps(found['settings'])}`",
        *(f"- then: `{one['name']}`, `{json.dumps(one['settings'])}`" for one in found["shapers"][1:]),
        *(
            f"- {part}: `{found[part]['name']}`, `{json.dumps(found[part]['settings'])}`"
            for part in ("baseline", "loss")
            if found[part]
        ),
        f"- lexicon of planning tokens: `{found['lexicon']['name']}`, sha256 `{found['lexicon']['content_hash']}`",
    ]
    write_text(card, f"{said}\n\n{HEADING}\n\n" + "\n".join(rows) + "\n")
