"""The figures of filled sheets, by hand; and the two verbs from end to end."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import cli
from hicra.labels.agree import agree
from hicra.labels.sheet_files import Rater, SheetKey
from tokenizers_made import byte_level

# items 1 to 4 are grams (two of each cluster), 5 to 8 foils
GRAMS = [("wait", 0, 60), ("hold on", 0, 20), ("so", 1, 15), ("sum of", 1, 5)]
KEY = SheetKey(
    "sheet-1", {"name": "mine", "content_hash": "ab"},
    [
        {"item": n, "kind": "gram", "gram": gram, "n": 1, "cluster": cluster, "doc_freq": None, "occurrences": occurrences}
        for n, (gram, cluster, occurrences) in enumerate(GRAMS, 1)
    ] + [
        {"item": n, "kind": "foil", "gram": f"f{n}", "n": 1, "cluster": None, "doc_freq": None, "occurrences": None}
        for n in range(5, 9)
    ],
    ["never"],
)  # fmt: skip


def rater(name: str, marks: str) -> Rater:
    return Rater(name, [{"s": True, "o": False, "?": None}[mark] for mark in marks])


ANNA, BEN, CARA = rater("anna", "sssosooo"), rater("ben", "ssoosooo"), rater("cara", "soso??oo")


def test_shares_and_majority() -> None:
    found = agree(KEY, [ANNA, BEN, CARA])
    assert (found["items"], found["grams"], found["foils"], found["absent"]) == (8, 4, 4, 1)
    shares = {one["name"]: (one["grams"]["share"], one["foils"]["share"], one["unsure"]) for one in found["raters"]}
    # cara could not say for two foils, so her share is of the other two
    assert shares == {"anna": (0.75, 0.25, 0), "ben": (0.5, 0.25, 0), "cara": (0.5, 0.0, 2)}
    # majority by item: sss -> s, sso -> s, sos -> s, ooo -> o; foils ss? -> s, oo? -> o, ooo, ooo
    assert found["majority"]["grams"]["strategic"] == 3
    assert found["majority"]["foils"]["strategic"] == 1
    # Wilson of 3 in 4, z = 1.96: centre (3/4 + 3.8415/8) / (1 + 3.8415/4) = 1.2302 / 1.9604 = 0.6275,
    # half 1.96 sqrt((3/16 + 3.8415/16) / 4) / 1.9604 = 1.96 * 0.25092 / 1.9604 = 0.3269 with sqrt(0.4276 / 4) = 0.32697 / ...
    low, high = found["majority"]["grams"]["interval"]
    assert (low, high) == pytest.approx((0.3006, 0.9544), abs=2e-4)
    # 3/4 - 1/4; Newcombe with Wilson of 1 in 4, (0.0456, 0.6994): 0.5 - sqrt(0.4494^2 + 0.4494^2), 0.5 + sqrt(0.2044^2 * 2)
    assert found["difference"] == 0.5
    assert found["difference_interval"] == pytest.approx([0.5 - 0.6355, 0.5 + 0.2891], abs=5e-4)


def test_by_occurrence_counts_a_gram_as_often_as_it_stands_there() -> None:
    found = agree(KEY, [ANNA, BEN, CARA])
    assert found["by_occurrence"]["share"] == 0.95  # (60 + 20 + 15) of 100: 3 of 4 grams, but 95 of 100 places
    low, high = found["by_occurrence"]["interval"]
    assert 0 <= low < 0.95 < high <= 1


def test_kappa_of_each_pair_and_its_mean() -> None:
    found = agree(KEY, [ANNA, BEN, CARA])
    by = {tuple(one["raters"]): one for one in found["pairs"]}
    # anna and ben agree on 7 of 8; anna says s on 4, ben on 3: chance 4/8 * 3/8 + 4/8 * 5/8 = 1/2; (7/8 - 1/2) / (1/2)
    assert by["anna", "ben"]["agreement"] == 7 / 8
    assert by["anna", "ben"]["kappa"] == pytest.approx(0.75)
    # anna and cara share 6 items: sssooo and sosooo; 5 of 6 agree; chance 1/2 * 1/3 + 1/2 * 2/3 = 1/2; (5/6 - 1/2) / (1/2)
    assert (by["anna", "cara"]["items"], by["anna", "cara"]["kappa"]) == (6, pytest.approx(2 / 3))
    # ben and cara: ssoooo and sosooo; 4 of 6; chance 1/3 * 1/3 + 2/3 * 2/3 = 5/9; (2/3 - 5/9) / (4/9)
    assert by["ben", "cara"]["kappa"] == pytest.approx(0.25)
    assert found["kappa"] == pytest.approx((0.75 + 2 / 3 + 0.25) / 3)
    assert found["kappa_interval"][0] < found["kappa"] < found["kappa_interval"][1]


def test_clusters_the_least_strategic_first() -> None:
    found = agree(KEY, [ANNA, BEN, CARA])["clusters"]
    assert [(one["cluster"], one["items"], one["strategic"], one["example"]) for one in found] == [
        (1, 2, 1, "so"), (0, 2, 2, "wait"),
    ]  # fmt: skip


def test_ties_and_items_that_nobody_can_say() -> None:
    found = agree(KEY, [rater("a", "so??oooo"), rater("b", "os?soooo")])
    # s/o and o/s are ties, which no majority calls strategic; the third gram has no mark, the fourth only "s"
    assert found["undecided"] == 1
    assert found["majority"]["grams"] == {
        "items": 3, "strategic": 1, "share": 1 / 3, "interval": found["majority"]["grams"]["interval"],
    }  # fmt: skip


def test_what_is_not_defined_is_none() -> None:
    alone = agree(KEY, [ANNA])
    assert (alone["pairs"], alone["kappa"], alone["kappa_interval"]) == ([], None, None)
    assert alone["majority"]["grams"] == alone["raters"][0]["grams"]
    same = agree(KEY, [rater("a", "ssssssss"), rater("b", "ssssssss")])
    assert same["pairs"][0]["kappa"] is None
    assert same["kappa"] is None
    silent = agree(KEY, [rater("a", "????oooo")])
    assert silent["majority"]["grams"] == {"items": 0, "strategic": 0, "share": None, "interval": None}
    assert (silent["difference"], silent["by_occurrence"]["share"]) == (None, None)


def test_a_copy_of_another_sheet_is_noticed() -> None:
    key = SheetKey("s", KEY.lexicon, [{**KEY.items[n % 8], "item": n + 1} for n in range(24)], [])
    marks = [n % 3 == 0 for n in range(24)]
    assert agree(key, [Rater("a", marks), Rater("b", list(marks))])["warnings"] == [
        "a and b marked all 24 items alike: is one a copy of the other?"
    ]
    assert agree(KEY, [ANNA, Rater("b", ANNA.marks)])["warnings"] == []  # of eight items two may well be alike


MARKS = st.lists(st.sampled_from([True, False, None]), min_size=8, max_size=8)


@given(st.lists(MARKS, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_every_share_lies_in_its_interval_and_in_0_to_1(marks: list[list[bool | None]]) -> None:
    raters = [Rater(f"r{number}", one) for number, one in enumerate(marks)]
    found = agree(KEY, raters, resamples=50)
    swapped = agree(KEY, raters[::-1], resamples=50)
    assert swapped["majority"] == found["majority"]
    assert swapped["kappa"] == pytest.approx(found["kappa"])
    for one in [found["majority"], *found["raters"]]:
        for kind in ("grams", "foils"):
            share, interval = one[kind]["share"], one[kind]["interval"]
            assert (share is None) == (one[kind]["items"] == 0) == (interval is None)
            assert share is None or 0 <= interval[0] <= share <= interval[1] <= 1
    json.dumps(found, allow_nan=False)


def test_a_sheet_of_rollouts_that_hold_token_ids_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tokenizer = byte_level()
    tokenizer.save("tokenizer.json")
    ids = tokenizer.encode("Wait, the old letters.").ids
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt_tokens": [1], "response_tokens": ids, "reward": 1}) + "\n")
    (tmp_path / "grams.txt").write_text("wait\n")
    words = ["lexicon", "sheet", "grams.txt", "rows.jsonl", "-o", "s.csv"]
    for more, code in (([], 1), (["--tokenizer", "."], 0)):
        with pytest.raises(SystemExit) as stop:
            cli.main([*words, *more])
        assert (stop.value.code or 0) == code
        assert ("name the tokenizer that made them: --tokenizer DIR" in capsys.readouterr().err) == (code == 1)
    assert "[[Wait]], the old letters." in (tmp_path / "s.csv").read_text(encoding="utf-8-sig")


def test_the_two_verbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grams.txt").write_text("wait\nlet us try\n")
    rows = [{"response": f"Wait, the {word} letters. Let us try another drawer."} for word in ("red", "blue", "old")]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def call(*words: str) -> tuple[int, dict[str, object], str]:
        with pytest.raises(SystemExit) as stop:
            cli.main([*words, "--json"])
        out, err = capsys.readouterr()
        return int(str(stop.value.code)), json.loads(out), err

    code, made, err = call("lexicon", "sheet", "grams.txt", "rows.jsonl", "-o", "s.csv")
    assert (code, made["grams"], made["foils"]) == (0, 2, 2), err
    assert "hicra lexicon agree s-anna.csv s-ben.csv --key s.key.json" in err
    with open("s.csv", encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    for name in ("s-anna", "s-ben"):
        with open(f"{name}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, lines[0])
            writer.writeheader()
            writer.writerows({**row, "mark": "s" if row["phrase"] in ("Wait", "Let us try") else "o"} for row in lines)
    code, found, err = call("lexicon", "agree", "s-anna.csv", "s-ben.csv", "--key", "s.key.json")
    assert code == 0, err
    assert (found["difference"], found["kappa"]) == (1.0, 1.0)
    code, refused, _ = call("lexicon", "agree", "s.csv", "--key", "s.key.json")
    assert code == 1
    assert "4 items without a mark (lines 2, 3, 4, 5)" in str(refused["error"])
    with pytest.raises(SystemExit):
        cli.main(["lexicon", "agree", "s-anna.csv", "s-ben.csv", "--key", "s.key.json"])
    shown = capsys.readouterr().out
    assert "majority             100.0 % (34.2 to 100.0)" in shown  # Wilson of 2 in 2: 2 / (2 + 3.8415) = 0.3424
    assert "kappa                1.00" in shown
