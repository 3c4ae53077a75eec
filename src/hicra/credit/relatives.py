"""Where the relatives run that `hicra train` does not: people ask for them by name as a method or a system.

Without this table the answer to `etpo` is the entry whose spelling is nearest, which is another publication.
"""

from __future__ import annotations

RELATIVES = {
    "espo": "python recipes/espo/run.py sudoku -o RUN (docs/methods/likelihoods.md)",
    "etpo": "python -m hicra.related.critics.train --config recipes/etpo/config.yaml -o RUN (docs/methods/critics.md)",
    "exits": "python recipes/exits/run.py (docs/methods/exits.md)",
    "extended_attention": "python recipes/attention/look.py (docs/methods/attention.md)",
    "oparl": "python recipes/oparl/run.py (docs/methods/classic.md)",
    "pear": "python recipes/pear/run.py (docs/methods/classic.md)",
}  # name: the command, and the page that describes it


def elsewhere(name: str) -> str | None:
    """Returns the `fix` sentence for the name of a relative that has a command of its own, in any letter case, else None.

    >>> elsewhere("PEAR")
    'pear has a command of its own: python recipes/pear/run.py (docs/methods/classic.md)'
    """
    known = name.lower()
    return f"{known} has a command of its own: {RELATIVES[known]}" if known in RELATIVES else None
