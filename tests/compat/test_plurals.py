"""No verb says "1 rows": each is called with one of everything, and what it prints for people is read."""

import json
import re

import pytest

from hicra import cli

ROW = {
    "id": "a", "question": "1 + 1?", "answer": "2", "correct": True, "step": 1,
    "response": "Let us check that. It is \\boxed{2}",
}  # fmt: skip
CALLS = [
    "corpus inspect rows.jsonl",
    "corpus overlap rows.jsonl rows.jsonl",
    "mine rows.jsonl -o mined --embedder hashing --min-df 1 --k 1 --no-across-questions --top-clusters 1",
    "lexicon show grams.txt",
    "lexicon show twice.txt",
    "lexicon diff grams.txt paper",
    "lexicon merge grams.txt -o merged",
    "lexicon select grams.txt -o selected",
    "lexicon score grams.txt labels.jsonl",
    "tag rows.jsonl --lexicon grams.txt",
    "tag rows.jsonl --lexicon other.txt",
    "verify cases.jsonl",
    "eval --samples rows.jsonl -o evaluated",
    "eval --samples copies.jsonl -o copies",
    "diagnose rows.jsonl -o run",
    "compare table.csv --plot plot.svg",
    "report run",
]
NO_PLURAL = {"as", "is", "was", "has", "this", "pass", "less", "us"}


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What all calls print, by call."""
    folder = tmp_path_factory.mktemp("one")
    (folder / "rows.jsonl").write_text(json.dumps(ROW) + "\n")
    (folder / "copies.jsonl").write_text((json.dumps(ROW) + "\n") * 2)
    (folder / "cases.jsonl").write_text(json.dumps({"id": 1, "completion": "\\boxed{2}", "gold": "2"}) + "\n")
    unit = {"start": 0, "end": 18, "labels": ["planning"]}
    (folder / "labels.jsonl").write_text(
        json.dumps({"question": "q", "response": ROW["response"], "units": [unit]}) + "\n"
    )
    (folder / "grams.txt").write_text("let us check\n")
    (folder / "twice.txt").write_text("let us check\nLet us check\n")
    (folder / "other.txt").write_text("another word\n")
    (folder / "table.csv").write_text("arm,seed,value,question\nnone,0,0.1,a\nhicra,0,0.2,a\n")
    return folder


@pytest.mark.parametrize("words", CALLS)
def test_one_is_no_plural(words, printed, monkeypatch, capsys):
    monkeypatch.chdir(printed)
    if words == "report run" and not (printed / "run").exists():
        with pytest.raises(SystemExit):
            cli.main(["diagnose", "rows.jsonl", "-o", "run"])
        capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        cli.main(words.split())
    out = capsys.readouterr()
    text = out.out + out.err
    assert stop.value.code == 0, text
    for page in [*printed.glob("plot.svg"), *printed.glob("run/report.html")]:
        text += re.sub(r"<script.*?</script>|<style.*?</style>", "", page.read_text(encoding="utf-8"), flags=re.S)
    found = re.findall(r"(?<![\w.,/@#-])1 (?:of \d+ )?([a-z-]+s)\b", text)
    assert [word for word in found if word not in NO_PLURAL] == [], text[:3000]
