"""Mines a lexicon of the comparison: `python studies/lexicons/mine.py DATA -o DIR [--preset NAME] [--set NAME=VALUE ...]`.

The defaults of mining (or a preset, or other settings as JSON values) on the correct solutions of DATA/solutions_long, without
the questions that any labelled trace has.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from pathlib import Path

from second_opinions import rows_of

from hicra.labels.traces import LabelledTrace
from hicra.mining.mine import mine_paths
from hicra.mining.settings import preset


def cluster(row: dict[str, object]) -> str:
    """The question as labelled traces are told apart by it."""
    empty = LabelledTrace("", *[None] * 3, question=row.get("question"))  # type: ignore[list-item, arg-type]
    return empty.cluster


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("data", type=Path)
    options.add_argument("-o", "--output", type=Path, required=True)
    options.add_argument("--preset", default="sparse")
    options.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    given = options.parse_args()
    settings = {name: json.loads(value) for name, _, value in (item.partition("=") for item in given.settings)}
    labelled = {
        cluster(row) for path in sorted((given.data / "function_labels").glob("*.jsonl.gz")) for row in rows_of(path)
    }
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((given.data / "solutions_long").glob("*.jsonl.gz")):
            rows = [row for row in rows_of(path) if cluster(row) not in labelled]
            if rows:
                with gzip.open(Path(folder) / path.name, "wt", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
        lexicon, report = mine_paths(folder, preset(given.preset, settings))
    lexicon.save(given.output)
    print(json.dumps({key: value for key, value in report.items() if not isinstance(value, dict | list)}, indent=2))


if __name__ == "__main__":
    main()
