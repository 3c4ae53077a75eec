"""Rebuilds every table, figure and docs/study.md from the stored results, byte for byte.

python studies/hierarchy/build.py            writes RULES.md, verdicts.json, figures/, docs/study.md, and what README.md and
                                             docs/methods/ say of the study
python studies/hierarchy/build.py --check    writes nothing; exit 1 where a file differs, is missing or is left over
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from blocks import blocks, filled
from claims import CLAIMS
from contrasts import primary_contrasts
from figures import FIGURES
from hypotheses import HYPOTHESES
from page import page
from plan import runs
from results import Results, read_results, whole_parts
from rules import rules

from hicra.artifacts import canonical_json, write_text

ROOT = HERE.parents[1]
DRAWN, FROM_DOCS = "studies/hierarchy/figures", "../studies/hierarchy/figures"


def built(results: Results, root: Path = ROOT) -> dict[str, str]:
    """Makes the text of every file, by its path in the repository; `root` has the pages of which only a part is made."""
    files, drawn = {"studies/hierarchy/RULES.md": rules()}, {}
    for figure in FIGURES:
        data = figure.data(results)
        if data is not None:
            files[f"{DRAWN}/{figure.name}.svg"] = figure.draw(data) + "\n"
            files[f"{DRAWN}/{figure.name}.json"] = canonical_json(rounded(data), indent=1)
            drawn[figure.name] = f"{FROM_DOCS}/{figure.name}.svg"
    judged = [[(rule, rule.judge(results)) for rule in table] for table in (HYPOTHESES, CLAIMS)]
    verdicts = {
        "primary": [
            {"treatment": treatment, "baseline": baseline, "start": start, **one.as_json()}
            for (treatment, baseline, start), one in primary_contrasts(results).items()
        ],
        "hypotheses": {rule.key: verdict.as_json() for rule, verdict in judged[0]},
        "claims": {rule.key: verdict.as_json() for rule, verdict in judged[1]},
    }
    files["studies/hierarchy/verdicts.json"] = canonical_json(rounded(verdicts), indent=1)
    files["docs/study.md"] = page(results, judged[0], judged[1], drawn)
    return files | filled(blocks(results, *judged), root)


def rounded(value: Any) -> Any:
    """Returns JSON values with ten digits of each number: in the last ones processors differ, which add in other orders."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return float(f"{round(value, 12):.10g}") + 0.0 if isinstance(value, float) and math.isfinite(value) else value


def stored(folder: Path) -> Results:
    """Reads the stored results; parts that are not whole are held back until the budget is spent (results/stopped.json)."""
    results = read_results(folder)
    if (folder / "stopped.json").exists():
        return results
    return whole_parts(results, ((run.part, run.start) for run in runs()))


def differing(files: dict[str, str], root: Path) -> list[str]:
    """Names the files of a checkout that are not what was built, and figures that were not built."""
    wrong = [
        name for name, text in files.items()
        if not (root / name).exists() or (root / name).read_text(encoding="utf-8") != text
    ]  # fmt: skip
    left = [str(path.relative_to(root)) for path in sorted((root / DRAWN).glob("*")) if path.is_file()]
    return sorted(wrong + [name for name in left if name not in files])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a file differs")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of the stored results")
    parser.add_argument("--root", type=Path, default=ROOT, help="where the files are written, or looked for")
    given = parser.parse_args()
    files = built(stored(given.results), given.root)
    if given.check:
        wrong = differing(files, given.root)
        if wrong:
            sys.exit(f"error: not what the results say: {', '.join(wrong)}; fix: make study-report")
        print(f"{len(files)} files are what the results say")
        return
    for name in differing(files, given.root):
        path = given.root / name
        if name in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, files[name])
        else:
            path.unlink()
        print(name)


if __name__ == "__main__":
    main()
