"""The tables of docs/evidence/lexicons.md from results.json: `python studies/lexicons/tables.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SETS = {"human": "people", "machine": "Gemini, AIME 2024", "rt_seg": "RT-SEG", "thought_anchors": "thought-anchors"}


def interval(found: dict[str, Any], key: str, digits: int = 3) -> str:
    low, high = found["intervals"][key]
    return f"{found[key]:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def main() -> None:
    result = json.loads(Path(__file__).with_name("results.json").read_text(encoding="utf-8"))
    for which in ("human", "machine"):
        print(f"\n{SETS[which]}\n\n| lexicon | unit | precision | recall | F1 | lift | characters |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, units in result["scores"].items():
            for unit, scores in units.items():
                found = scores[which]["all"]
                figures = [interval(found, key) for key in ("precision", "recall", "f1")] + [interval(found, "lift", 2)]
                print(f"| {name} | {unit} | {' | '.join(figures)} | {100 * found['char_share']:.1f} % |")
    print("\n| lexicon | unit | RT-SEG P / R / F1 | lift | thought-anchors P / R / F1 | lift |\n" + "| --- " * 6 + "|")
    for name, units in result["scores"].items():
        unit = "sentence" if name == "planning" else "gram"
        cells = [f"{name} | {unit}"]
        for which in ("rt_seg", "thought_anchors"):
            found = units[unit][which]["all"]
            cells.append(" / ".join(f"{found[key]:.3f}" for key in ("precision", "recall", "f1")))
            cells.append(interval(found, "lift", 2))
        print(f"| {' | '.join(cells)} |")
    print("\n| labels | group | traces | units | base rate | precision | recall | F1 | lift |\n" + "| --- " * 9 + "|")
    for which in ("human", "machine"):
        scores = result["scores"]["planning"]["sentence"][which]
        for key in ("model", "domain"):
            for value, found in scores[key].items():
                figures = " | ".join(f"{found[name]:.3f}" for name in ("base_rate", "precision", "recall"))
                f1 = interval(found, "f1") if found["questions"] > 1 else f"{found['f1']:.3f}"
                where = f"{which} | {value} | {found['traces']} | {found['units']}"
                print(f"| {where} | {figures} | {f1} | {found['lift']:.2f} |")
    print("\n| flagged by | sentences | " + " | ".join(result["importance"]["labels"]) + " |\n" + "| --- " * 5 + "|")
    for name, found in result["importance"].items():
        gaps = found if name == "labels" else found["sentence" if name == "planning" else "gram"]
        cells = [
            f"{g['value']:+.3f} [{g['interval'][0]:+.3f}, {g['interval'][1]:+.3f}]"
            for g in (gap["within_fifths"] for gap in gaps.values())
        ]
        print(f"| {name} | {gaps['resampling_importance_kl']['flagged']} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
