"""Fits the built-in lexicon `planning` from ReasoningFlow labels: `python studies/lexicons/make_planning.py LABELS... -o DIR`.

The labels are reasoningflow_human.jsonl.gz and reasoningflow_aime24_llm.jsonl.gz (studies/lexicons/README.md says where from).
The same labels give the same bytes. No text of a trace goes into the lexicon, only grams, weights and counts.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hicra.labels.fit import fit
from hicra.labels.settings import FitSettings
from hicra.labels.traces import read_labels

LICENCE = (
    "Apache-2.0. Fitted by the hicra authors to node labels of ReasoningFlow (jinulee-v/reasoningflow, commit c5a0696d: "
    "data/v0_human_A, v0_human_B, v0_human_D, v1_human_D, v1_llm_gemini-3.1-pro-preview), which its authors publish under "
    "Apache-2.0 by their dataset card; the human labels are theirs, the machine labels were made by Gemini 3.1 Pro."
)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("labels", type=Path, nargs="+")
    options.add_argument("-o", "--output", type=Path, required=True)
    given = options.parse_args()
    lexicon, report = fit(
        read_labels(given.labels),
        FitSettings(),
        name="planning",
        licence=LICENCE,
        progress=lambda line: print(line, file=sys.stderr),
    )
    lexicon.save(given.output)
    for source, found in report["cv_by"]["source"].items():
        print(f"{source}: precision {found['precision']:.3f} recall {found['recall']:.3f} F1 {found['f1']:.3f}")
    print(f"{len(lexicon)} grams, sha256 {lexicon.content_hash}")


if __name__ == "__main__":
    main()
