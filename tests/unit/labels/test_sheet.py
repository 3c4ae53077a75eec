"""Sheets for people: balanced, blind, the same for any order of the rollouts, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra import Lexicon, Tagger
from hicra.errors import ArtifactError, DataError
from hicra.labels.sheet import CONTEXT, FOIL, GRAM, Sheet, make_sheet
from hicra.labels.sheet_files import COLUMNS, read_key, read_sheets, write
from hicra.text.words import count_words, word_ranges

LEXICON = Lexicon.from_phrases(["let us try", "wait", "never said here"])
TEXTS = [
    f"Wait, the {colour} box holds some of the old letters. Let us try another drawer of the {wood} desk and look inside."
    for colour, wood in (("red", "oak"), ("blue", "pine"), ("green", "teak"), ("grey", "ash"))
]


def kinds(sheet: Sheet, kind: str) -> list[tuple[str, int]]:
    return sorted((item.gram, item.n) for item in sheet.items if item.kind == kind)


def test_grams_that_occur_and_as_many_foils_of_their_lengths() -> None:
    sheet = make_sheet(LEXICON, TEXTS)
    assert kinds(sheet, GRAM) == [("let us try", 3), ("wait", 1)]
    assert sorted(n for _, n in kinds(sheet, FOIL)) == [1, 3]
    assert sheet.absent == ["never said here"]
    assert (sheet.left_out, sheet.responses) == (0, 4)
    occurrences = {item.gram: item.occurrences for item in sheet.items if item.kind == GRAM}
    assert occurrences == {"wait": 4, "let us try": 4}  # once in each text
    for item in sheet.items:
        assert count_words(item.gram) == item.n
        whole = item.place.before.removeprefix("... ") + item.place.phrase + item.place.after.removesuffix(" ...")
        assert any(whole in text for text in TEXTS)
    for item in sheet.items:
        if item.kind == FOIL:
            assert Tagger(LEXICON).spans(item.gram) == []
            assert "." not in item.place.phrase  # none crosses the end of a sentence


def test_the_seed_and_the_texts_alone_decide() -> None:
    sheet = make_sheet(LEXICON, TEXTS)
    assert make_sheet(LEXICON, TEXTS[::-1]) == sheet
    assert make_sheet(LEXICON, [*TEXTS, TEXTS[0]]).items[0].place in [item.place for item in sheet.items]
    assert len({make_sheet(LEXICON, TEXTS, seed=seed).name for seed in range(4)}) == 4


def test_of_many_grams_some_are_drawn() -> None:
    words = Lexicon.from_phrases(["red", "blue", "green", "grey", "oak"])
    drawn = {tuple(kinds(make_sheet(words, TEXTS, grams=2, seed=seed), GRAM)) for seed in range(8)}
    assert all(len(one) == 2 for one in drawn)
    assert len(drawn) > 1
    assert make_sheet(words, TEXTS, grams=2).left_out == 3


@given(
    st.lists(
        st.sampled_from(
            ["so we add it.", "wait, no;", "x = 3 + 4", "\\frac{ab}{cd}", "看起来 不对。", "let us  try\n"]
        ),
        min_size=1,
    )
)
@settings(max_examples=25, deadline=None)
def test_foils_are_prose_beside_every_span(pieces: list[str]) -> None:
    sheet = make_sheet(LEXICON, [" ".join(["Wait here for the old letters.", *pieces])])
    foils = [item for item in sheet.items if item.kind == FOIL]
    assert len({item.gram for item in foils}) == len(foils) <= len(sheet.items) - len(foils)
    for item in foils:
        assert not any(char.isdigit() or char in "=\\{}" for char in item.place.phrase)
        assert not {"wait", "let us try"} & {item.gram}
        assert item.gram not in ("frac", "ab", "cd")


def test_texts_without_a_gram_or_without_a_foil_are_refused() -> None:
    with pytest.raises(DataError, match="none of the 3 grams of lexicon 'phrases' occurs in 1 response"):
        make_sheet(LEXICON, ["nothing"])
    with pytest.raises(DataError, match="1 response hold no run of words beside the grams"):
        make_sheet(LEXICON, ["Wait. 3 + 4"])


def test_the_context_is_cut_at_words_and_stays_on_a_line() -> None:
    text = "far " * 200 + "before\n\tit: wait " + "after " * 200
    [gram] = [item for item in make_sheet(LEXICON, [text]).items if item.kind == GRAM]
    before, phrase, after = gram.place
    assert phrase == "wait"
    assert before.startswith("... far far")
    assert before.endswith(" before it: ")
    assert after.startswith(" after after")
    assert after.endswith(" after ...")
    assert max(len(before), len(after)) <= CONTEXT + len("... ")


def test_of_weighted_lexicons_only_what_speaks_for_planning_is_asked() -> None:
    weighted = Lexicon.from_table(
        pl.DataFrame({"gram": ["wait", "box"], "weight": [1.0, -1.0]}), name="w", threshold=0.5
    )
    assert kinds(make_sheet(weighted, TEXTS), GRAM) == [("wait", 1)]


def test_word_ranges_are_what_count_words_counts() -> None:
    for text in ("let's double-check", "## step 1", "等一下 ok", "= + ", ""):
        assert len(word_ranges(text)) == count_words(text)
        assert all(text[low:high].strip() == text[low:high] != "" for low, high in word_ranges(text))


# ---- the files
def written(folder: Path, texts: list[str] = TEXTS, lexicon: Lexicon = LEXICON) -> tuple[Path, Path, list[list[str]]]:
    sheet, key = folder / "sheet.csv", folder / "sheet.key.json"
    write(make_sheet(lexicon, texts), sheet, key)
    with open(sheet, encoding="utf-8-sig", newline="") as file:
        return sheet, key, list(csv.reader(file))


def test_the_sheet_is_blind_and_the_key_is_not(tmp_path: Path) -> None:
    _, key, rows = written(tmp_path)
    assert rows[0] == list(COLUMNS)
    assert len(rows) == 5
    assert {row[0] for row in rows[1:]} == {read_key(key).sheet}
    assert [row[1] for row in rows[1:]] == ["1", "2", "3", "4"]
    for row in rows[1:]:
        assert f"[[{row[2]}]]" in row[3]
        assert row[4:] == ["", ""]
    items = read_key(key).items
    assert [item["gram"] for item in items] == [row[2].lower() for row in rows[1:]]
    assert {item["kind"] for item in items} == {GRAM, FOIL}


def test_no_cell_begins_like_a_formula(tmp_path: Path) -> None:
    texts = ["=HYPERLINK(1) wait, the old letters", "+ wait for the red box", "@wait here for some time"]
    _, _, rows = written(tmp_path, texts, Lexicon.from_phrases(["wait", "= hyper"]))
    contexts = [cell for row in rows[1:] for cell in row[2:4]]
    assert not any(cell.lstrip()[:1] in "=+-@" for cell in contexts)


def fill(path: Path, rows: list[list[str]], marks: list[str], delimiter: str = ",") -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(rows[0])
        writer.writerows([*row[:4], mark, row[5]] for row, mark in zip(rows[1:], marks, strict=True))
    return path


def test_filled_sheets_are_read_as_spreadsheets_write_them(tmp_path: Path) -> None:
    _, key, rows = written(tmp_path)
    known = read_key(key)
    for delimiter, marks in (
        (",", ["s", "o", "?", "s"]),
        (";", ["S", "Other", " ? ", "strategic"]),
        ("\t", ["s", "o", "?", "S"]),
    ):
        path = fill(tmp_path / "anna.csv", rows, marks, delimiter)
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + delimiter.encode() * 5 + b"\r\n")
        [rater] = read_sheets([path], known)
        assert (rater.name, rater.marks) == ("anna", [True, False, None, True])
    shuffled = fill(tmp_path / "anna.csv", [rows[0], *rows[:0:-1]], ["s", "?", "o", "s"])
    assert read_sheets([shuffled], known)[0].marks == [True, False, None, True]  # in the order of the key


def test_what_is_wrong_in_a_sheet_is_named_with_its_line(tmp_path: Path) -> None:
    _, key, rows = written(tmp_path)
    known = read_key(key)
    # a line of the file is an item + 1, since the header is line 1
    path = fill(tmp_path / "anna.csv", rows, ["s", "", "maybe", ""])
    with pytest.raises(
        DataError, match=r"anna.csv: 1 unknown mark \(line 4: 'maybe'\) and 2 items without a mark \(lines 3, 5\)"
    ):
        read_sheets([path], known)
    good = ["s", "o", "s", "o"]
    for change, says in (
        (lambda: rows[:4], "lacks 1 item: 4"),
        (lambda: [*rows, rows[2]], "line 6: item 2 stands here a second time"),
        (
            lambda: [rows[0], ["sheet-00000000", *rows[1][1:]], *rows[2:]],
            "line 2 is of 'sheet-00000000', and the key is of 'sheet-",
        ),
        (lambda: [rows[0], [rows[1][0], "9", *rows[1][2:]], *rows[2:]], "line 2: item '9' is none of 1 to 4"),
        (lambda: [[*rows[0][:4], "marks", "note"], *rows[1:]], "has no column 'mark'"),
    ):
        changed = change()
        path = fill(tmp_path / "anna.csv", changed, [*good, "o"][: len(changed) - 1])
        with pytest.raises(DataError, match=says):
            read_sheets([path], known)
    (tmp_path / "other").mkdir()
    both = [fill(tmp_path / name / "anna.csv", rows, good) for name in ("", "other")]
    with pytest.raises(DataError, match="two sheets are called 'anna'"):
        read_sheets(both, known)
    with pytest.raises(DataError, match="no sheet is given"):
        read_sheets([], known)
    (tmp_path / "late.csv").write_bytes("item,märk".encode("latin-1"))
    with pytest.raises(DataError, match=r"late.csv: byte 6 is not UTF-8"):
        read_sheets([tmp_path / "late.csv"], known)


@pytest.mark.parametrize(
    "change", [{"items": []}, {"items": [{"item": 2}]}, {"lexicon": {"name": "x"}}, {"absent": [1]}, {"sheet": None}]
)
def test_a_damaged_key_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    _, key, _ = written(tmp_path)
    key.write_text(json.dumps({**json.loads(key.read_text()), **change}))
    with pytest.raises(ArtifactError, match=f"`{next(iter(change))}` is not what a key holds"):
        read_key(key)
    key.write_text('{"kind": "hicra.lexicon"}')
    with pytest.raises(ArtifactError, match="'hicra.lexicon', not 'hicra.sheet-key'"):
        read_key(key)
