"""Any size, any cut, any order: spilling, workers, bad input, and the same bytes every time."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hicra.errors import ConfigError, DataError
from hicra.mining.counting import local as backend
from hicra.mining.counting.documents import resolve
from hicra.mining.counting.local import LocalBackend
from hicra.mining.counting.ngrams import CountRule, count_ngrams
from hicra.mining.counting.open import open_backend
from hicra.mining.counting.rows import chunks_of
from hicra.mining.counting.spill import Spill
from hicra.mining.counting.words import Chunk, tokenise
from hicra.mining.mine import mine, mine_paths, peak_rss_mb
from hicra.mining.settings import MineSettings

HASHING = MineSettings(embedder="hashing", across_questions=False)
EVERYTHING = HASHING.model_copy(update={"top_clusters": 1.0, "closed": False})
TALK = "let us try again now wait but so we can check the sum of both sides first then go on with another way"
WORDS = TALK.split(" ")


def made(count: int, seed: int = 0, words: int = 40) -> list[str]:
    draw = random.Random(seed)
    return [
        " ".join(draw.choice(WORDS) + draw.choice(["", "", "", "", ",", ".", " 7"]) for _ in range(words))
        for _ in range(count)
    ]


# ---- spill


def test_spill_gives_back_what_was_added_and_leaves_nothing() -> None:
    with Spill(memory=40) as spill:
        spill.append((1,), np.arange(4, dtype=np.int32))
        spill.append((2, 0), np.array([[7, 8]], np.int32))
        assert spill.folder is None
        spill.append((1,), np.arange(4, 9, dtype=np.int32))
        folder = spill.folder
        assert folder is not None
        assert sorted(os.listdir(folder)) == ["1", "2-0"]
        spill.append((2, 0), np.array([9], np.int32))
        assert spill.read((1,)).tolist() == list(range(9))
        assert spill.read((2, 0)).tolist() == [7, 8, 9]
        assert spill.read((3,)).tolist() == []
        assert spill.keys() == [(1,), (2, 0)]
        assert spill.written == 4 * 12
        spill.drop((1,))
        assert os.listdir(folder) == ["2-0"]
    assert not folder.exists()


def test_an_error_on_the_way_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("hicra.mining.counting.local.BLOCK_IDS", 100)

    def chunks() -> object:
        for text in made(20):
            yield Chunk([text], [None])
        assert [name for name in os.listdir(tmp_path) if name.startswith("hicra-mine-")]
        raise DataError("broken", "")

    with pytest.raises(DataError, match="broken"), LocalBackend(memory=0) as held:
        held.load(chunks())  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []


# ---- which solutions count


def digests(*numbers: int) -> np.ndarray:
    return np.array([(9, number) for number in numbers], np.uint64).reshape(-1, 2)


def questions(*numbers: int) -> np.ndarray:
    return np.array([(0, number) for number in numbers], np.uint64).reshape(-1, 2)  # (0, 0): not known


def test_copies_count_once_for_the_first_known_question() -> None:
    found = resolve(digests(1, 2, 1, 3, 1, 4), questions(0, 5, 8, 0, 5, 0))
    assert (found.distinct, found.counted, found.questions, found.groups) == (4, 4, 1, 3)
    assert found.kept.sum() == 4
    groups = {row: int(found.group[row]) for row in np.flatnonzero(found.kept).tolist()}
    one = next(row for row in groups if row in (0, 2, 4))
    assert groups[one] == groups[1] == 0  # text 1 counts for question 5, as text 2 does
    assert sorted(groups[row] for row in (3, 5)) == [1, 2]  # without a question: one of its own
    empty = resolve(digests(), questions())
    assert (empty.distinct, empty.counted, empty.questions, empty.groups) == (0, 0, 0, 0)


def test_near_duplicates_are_merged_when_asked() -> None:
    texts = [
        "First, we add 3 and 4.",
        "first we add 5 and 6",
        "first we add (12) and $x$!",
        "then we stop now here",
        "7",
    ]
    keep = mine([*texts, texts[0]], EVERYTHING.model_copy(update={"min_df": 1}))
    merged = mine([*texts, texts[0]], EVERYTHING.model_copy(update={"min_df": 1, "near_duplicates": "merge"}))
    assert (keep.statistics["solutions"], keep.statistics["near_duplicates"]) == (5, 0)
    assert (merged.statistics["solutions"], merged.statistics["near_duplicates"]) == (5, 2)
    counts = [dict(zip(r.table["gram"], r.table["doc_freq"], strict=True)) for r in (keep, merged)]
    assert counts[0]["first we add"] == 2  # "first, we add" is another gram
    assert sum(counts[1][gram] for gram in ("first we add", "first, we add") if gram in counts[1]) == 1
    assert counts[1]["then we stop"] == 1


def test_questions_can_be_counted_instead_of_solutions() -> None:
    texts = ["so we go on 1", "so we go on 2", "so we go on 3", "so we go on 4", "let us try it 5", "let us try it 6"]
    asked = ["a", "a", "b", None, "a", "a"]
    settings = EVERYTHING.model_copy(update={"count": "questions"})
    result = mine(texts, settings, asked)
    table = {row["gram"]: row for row in result.table.iter_rows(named=True)}
    assert set(table) == {"so we go", "we go on", "so we go on"}  # "let us try" is in two solutions of one question
    row = table["so we go"]
    assert (row["doc_freq"], row["mean_per_doc"]) == (3, 4 / 3)  # questions a and b, and the one that is not known
    assert row["cluster_df"] == 3
    assert mine(texts, EVERYTHING, asked).table.filter(gram="let us try")["doc_freq"].item() == 2


def test_a_low_floor_drops_nothing() -> None:
    texts = made(30)
    result = mine(texts, EVERYTHING.model_copy(update={"min_df": 1}))
    statistics = result.statistics
    assert statistics["ngrams"] == statistics["ngrams_min_df"] == statistics["embedded"] == result.table.height
    two = mine(texts, EVERYTHING).statistics
    assert two["ngrams"] == statistics["ngrams"] > two["ngrams_min_df"] == two["grams"]


def test_contrast_counts_the_incorrect_solutions_apart() -> None:
    right, wrong = ["so we go on", "so we go up", "let us sit down"], ["so we go on", "let us sit down", "no"]
    with LocalBackend() as held:
        chunks = [*chunks_of(right, [None] * 3), *chunks_of(wrong, [None] * 3, against=True)]
        loaded = held.load(chunks)
        grams, _ = held.count(CountRule(3, 3, 1))
        assert (loaded.mined.documents.counted, loaded.against.documents.counted) == (3, 3)
        labels = np.arange(len(grams.text))
        assert dict(zip(grams.text, grams.doc_freq.tolist(), strict=True))["so we go"] == 2
        assert held.holders(grams, labels).tolist() == grams.doc_freq.tolist()
        against = dict(zip(grams.text, held.holders(grams, labels, against=True).tolist(), strict=True))
        assert against == {"so we go": 1, "we go on": 1, "we go up": 0, "let us sit": 1, "us sit down": 1}


# ---- any cut


@pytest.mark.parametrize("by_group", [False, True])
def test_blocks_parts_and_spilling_change_nothing(monkeypatch: pytest.MonkeyPatch, by_group: bool) -> None:
    texts = made(60)
    asked = [f"q{row % 7}" for row in range(60)]
    rule = CountRule(2, 4, 2, by_group, across=True)

    def counted(memory: int) -> tuple[object, ...]:
        with LocalBackend(memory=memory) as held:
            held.load(chunks_of(texts, asked))
            grams, counts = held.count(rule)
            labels = np.arange(len(grams.text)) % 5
            found = held.holders(grams, labels)
            assert bool(held.spilled) == (memory == 0)
            return grams.text, grams.doc_freq.tolist(), grams.occurrences.tolist(), counts, found.tolist()

    whole = counted(2**20)
    monkeypatch.setattr(backend, "BLOCK_IDS", 130)
    monkeypatch.setattr(backend, "PART_IDS", 50)
    assert counted(0) == whole
    if not by_group:
        group = np.array([row % 7 for row in range(60)])
        assert count_ngrams(tokenise(texts), 2, 4, 2, group, 2)[0].text == whole[0]


def test_chunks_are_bounded_and_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hicra.mining.counting.rows.CHUNK_CHARS", 10)
    monkeypatch.setattr("hicra.mining.counting.rows.CHUNK_TEXTS", 3)
    texts = ["", "a", "b", "c", "x" * 50, "d", "eeeeeeeee", "ff"]
    chunks = list(chunks_of(texts, [str(row) for row in range(8)]))
    assert [chunk.texts for chunk in chunks] == [["", "a", "b"], ["c"], ["x" * 50], ["d", "eeeeeeeee"], ["ff"]]
    assert [question for chunk in chunks for question in chunk.questions] == [str(row) for row in range(8)]


def test_a_backend_is_named_and_has_workers() -> None:
    with pytest.raises(ConfigError, match=r"no backend 'rai'(.|\n)*'ray'"):
        open_backend("rai")
    with pytest.raises(ConfigError, match="workers is 0"):
        mine(["a b c"], HASHING, workers=0)
    with pytest.raises(ValueError, match="2 solutions, but 1 questions"):
        mine(["a", "b"], HASHING, ["q"])


# ---- bad input


def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no solution to mine"):
        mine([], HASHING)
    path = tmp_path / "rows.jsonl"
    path.write_text("")
    with pytest.raises(DataError, match="no rows"):
        mine_paths(path, HASHING)
    path.write_text('{"solution": "", "correct": true}\n')
    with pytest.raises(DataError, match="1 solution holds no n-gram of 3 to 5 words"):
        mine_paths(path, HASHING)


def test_one_solution_and_copies_of_one() -> None:
    for texts in (["let us try again"], ["let us try again"] * 500):
        with pytest.raises(DataError, match=r"min_df is 2 of 1 solution;(.|\n)*--min-df 1, or mine more solutions"):
            mine(texts, HASHING)
        result = mine(texts, EVERYTHING.model_copy(update={"min_df": 1}))
        assert result.statistics["solutions"] == 1
        assert set(result.table["gram"]) == {"let us try", "us try again", "let us try again"}
        assert result.table["doc_freq"].to_list() == [1, 1, 1]


@pytest.mark.parametrize("kind", ["words", "junk"])
@pytest.mark.slow
def test_a_12_mb_solution_takes_bounded_memory(kind: str) -> None:  # time: benchmarks/bench_mining.py
    if kind == "words":
        base = " ".join(made(1, words=20_000)) + " "
        texts = [(base * (size // len(base) + 1))[:size] for size in (3_000_000, 12_000_000)]
    else:
        data = random.Random(0).randbytes(12_000_000).decode("utf-8", "replace")
        texts = [data[: len(data) // 4], data]
    before = peak_rss_mb()
    for text in texts:
        result = mine([f"{text}. let us try", "so let us try"], HASHING.model_copy(update={"max_embedded": 300}))
        assert "let us try" in set(result.table["gram"])
    assert peak_rss_mb() - before < 1500


def test_binary_junk_in_a_file_is_refused_or_skipped(tmp_path: Path) -> None:
    rows = [json.dumps({"solution": text, "correct": True}) for text in made(30)]
    path = tmp_path / "rows.jsonl"
    junk = bytes(range(256)) * 3
    path.write_bytes("\n".join(rows).encode() + b"\n" + junk.replace(b"\n", b"") + b"\n")
    with pytest.raises(DataError, match=r"rows\.jsonl line 31"):
        mine_paths(path, HASHING)
    lexicon, report = mine_paths(path, HASHING, on_bad="skip", max_bad=0.1)
    assert (report["rows"], report["skipped"], report["solutions"]) == (31, 1, 30)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes())[:-20])
    with pytest.raises(DataError):
        mine_paths(packed, HASHING, on_bad="skip", max_bad=0.1)
    (tmp_path / "rows.parquet").write_bytes(junk)
    with pytest.raises(DataError, match="no readable parquet"):
        mine_paths(tmp_path / "rows.parquet", HASHING)
    assert len(lexicon) > 0


def test_binary_junk_in_a_text_is_no_gram() -> None:
    draw = random.Random(1)
    junk = [draw.randbytes(3000).decode("latin-1") for _ in range(20)]
    junk += ["\x00" * 1000, "\ud800\udfff " * 50, "\u202e\u200b\ufeff" * 50, "a\u0301" * 500, "🎉" * 300]
    texts = [f"{noise}. so let us try again {number}" for number, noise in enumerate(junk)]
    result = mine(texts, EVERYTHING.model_copy(update={"min_df": len(texts)}))
    assert set(result.table["gram"]) == {
        "so let us", "let us try", "us try again", "so let us try", "let us try again", "so let us try again",
    }  # fmt: skip


def test_chunk_digests_tell_question_none_from_empty() -> None:
    result = mine(["so we go 1", "so we go 2"], EVERYTHING, [None, ""])
    assert result.statistics["questions"] == 1
    assert Chunk(["a"], [None]).against is False


# ---- the same bytes

SCRIPT = """
import sys
from hicra.mining.mine import mine, mine_paths
from hicra.mining.settings import MineSettings
if __name__ == "__main__":
    settings = MineSettings(embedder="hashing", near_duplicates="merge", min_df=3)
    lexicon, _ = mine_paths(sys.argv[3:], settings, workers=int(sys.argv[2]))
    lexicon.save(sys.argv[1])
"""


def _locales() -> list[str]:
    try:
        found = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    except OSError:
        found = []
    return [name for name in found if name.lower().startswith("tr_tr")][:1] or ["C.UTF-8"]


@pytest.mark.slow
def test_same_bytes_over_order_shards_workers_hash_seed_and_locale(tmp_path: Path) -> None:
    rows = [
        {"solution": text, "correct": row % 5 > 0, "question": f"I is {row % 9}", "source": f"s{row % 3}"}
        for row, text in enumerate(
            [*made(80), *made(80)[:9], "İstanbul ISI ısı WAIT, let us TRY", "Straße ß ẞ let us TRY"]
        )
    ]
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT)
    runs = [("0", 1, 1, "C"), ("1", 4, 2, _locales()[0]), ("2", 3, 1, "C.UTF-8")]
    saved = []
    for number, (hash_seed, shards, workers, locale) in enumerate(runs):
        mixed = random.Random(number).sample(rows, len(rows))
        folder = tmp_path / f"in{number}"
        folder.mkdir()
        for shard in range(shards):
            lines = "".join(json.dumps(row) + "\n" for row in mixed[shard::shards])
            (folder / f"part{shard}.jsonl").write_text(lines)
        out = tmp_path / f"out{number}"
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "LC_ALL": locale, "LANG": locale}
        paths = sorted(map(str, folder.iterdir()), reverse=number % 2 == 1)
        command = [sys.executable, str(script), str(out), str(workers), *paths]
        subprocess.run(command, check=True, env=environment)
        saved.append([(out / name).read_bytes() for name in ("lexicon.json", "grams.parquet")])
    assert saved[0] == saved[1] == saved[2]


STOPPED = """
import sys, time
from hicra.mining.mine import mine, mine_paths
from hicra.mining.settings import MineSettings
from hicra.mining.counting.local import LocalBackend
def waits(held, loaded, settings):
    print("spilled", held.spilled, flush=True)
    time.sleep(60)
if __name__ == "__main__":
    LocalBackend.__init__.__defaults__ = (1, 0)
    sys.modules["hicra.mining.mine"].mine_loaded = waits
    mine_paths(sys.argv[1], MineSettings(embedder="hashing"))
"""


def test_a_run_that_is_stopped_leaves_no_files(tmp_path: Path) -> None:
    path, temporary = tmp_path / "rows.jsonl", tmp_path / "tmp"
    temporary.mkdir()
    path.write_text("".join(json.dumps({"solution": text, "correct": True}) + "\n" for text in made(20)))
    command = [sys.executable, "-c", STOPPED, str(path)]
    with subprocess.Popen(command, env=os.environ | {"TMPDIR": str(temporary)}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"spilled")
        assert len(os.listdir(temporary)) == 1
        process.terminate()
        assert process.wait(30) == 143
    assert os.listdir(temporary) == []
