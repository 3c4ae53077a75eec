"""Lexicon: built-ins, files, folders, hashes; and every way it can be wrong."""

import json

import polars as pl
import pytest

from hicra import Lexicon
from hicra.errors import ArtifactError, ConfigError, DataError, FileError


def test_built_ins():
    paper, longer = Lexicon.load("paper"), Lexicon.load("paper-n3")
    assert len(paper) == 249
    words = [len(phrase.split(" ")) for phrase in paper.phrases]
    assert [words.count(n) for n in range(1, 7)] == [19, 45, 76, 85, 18, 6]
    assert longer.phrases == [phrase for phrase, n in zip(paper.phrases, words, strict=True) if n >= 3]
    assert "CC BY 4.0" in paper.meta["licence"]
    assert "does this hold true?" in paper.phrases


def test_folder_round_trip_and_equal_bytes(tmp_path):
    lexicon = Lexicon.from_phrases(["So  WE", "let\u2019s", "so we"])
    assert lexicon.phrases == ["let's", "so we"]
    one, two = lexicon.save(tmp_path / "one"), Lexicon.from_phrases(["let's", "so we"]).save(tmp_path / "two")
    for name in ("lexicon.json", "grams.parquet"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    loaded = Lexicon.load(one)
    assert loaded.content_hash == lexicon.content_hash
    assert loaded.table.equals(lexicon.table)
    manifest = json.loads((one / "lexicon.json").read_text())
    assert manifest["kind"] == "hicra.lexicon"
    assert manifest["content_hash"] == lexicon.content_hash
    assert pl.read_parquet(one / "grams.parquet").columns == [
        "gram", "n", "cluster", "cluster_df", "doc_freq", "mean_per_doc", "weight"
    ]  # fmt: skip


def test_the_hash_depends_on_content_alone():
    plain = Lexicon.from_phrases(["a b"], name="x")
    assert plain.content_hash == Lexicon.from_phrases(["a b"], name="y").content_hash
    assert plain.content_hash != Lexicon.from_phrases(["a c"]).content_hash
    table = pl.DataFrame({"gram": ["a b"], "weight": [1.0]})
    weighted = [Lexicon.from_table(table, name="w", threshold=t).content_hash for t in (0.1, 0.2)]
    assert len({plain.content_hash, *weighted}) == 3


def test_n_counts_words_of_the_tagging_rule_and_the_hash_does_not_know_it():
    lexicon = Lexicon.from_phrases(["let\u2019s double-check", "## step", "等一下", "= 2"])
    n = dict(lexicon.table.select("gram", "n").iter_rows())
    assert n == {"let's double-check": 3, "## step": 1, "等一下": 3, "= 2": 1}
    assert lexicon.content_hash == Lexicon.from_phrases(reversed(lexicon.phrases)).content_hash
    assert Lexicon.load("paper").content_hash.startswith("44811ab8193ad4ff")  # as before `n` was counted so


def test_text_file(tmp_path):
    path = tmp_path / "grams [1]*.txt"
    path.write_text("## step\nLet me\n\n  so \n", encoding="utf-8")
    assert Lexicon.load(path).phrases == ["## step", "let me", "so"]
    path.write_bytes(b"caf\xe9\n")
    with pytest.raises(DataError, match="byte 3 is not UTF-8"):
        Lexicon.load(path)
    path.write_text("\n \n")
    with pytest.raises(DataError, match="no phrase"):
        Lexicon.load(path)


def test_diff_counts():
    a, b = Lexicon.from_phrases(["a", "b", "c"]), Lexicon.from_phrases(["b", "c", "d"])
    found = a.diff(b)
    assert (found["added"], found["removed"], found["common"], found["jaccard"]) == (1, 1, 2, 0.5)
    assert (found["added_grams"], found["removed_grams"]) == (["d"], ["a"])


def test_unknown_name_says_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'paper'"):
        Lexicon.load("papre")


def test_what_is_no_name_and_no_list_of_phrases():
    for wrong in (None, b"paper", 5):
        with pytest.raises(ConfigError, match=f"a lexicon of type {type(wrong).__name__}") as caught:
            Lexicon.load(wrong)
        assert "paper-n3" in caught.value.fix
    for wrong in ("let me", b"let me", None):  # the letters of one string are no phrases
        with pytest.raises(DataError, match=f"phrases of type {type(wrong).__name__}"):
            Lexicon.from_phrases(wrong)
    with pytest.raises(DataError, match="phrase 1 of lexicon 'phrases' is of type NoneType"):
        Lexicon.from_phrases(["let me", None])
    assert Lexicon.from_phrases(phrase for phrase in ("let me", "so")).phrases == ["let me", "so"]


def test_damaged_folders(tmp_path):
    folder = Lexicon.from_phrases(["a b"]).save(tmp_path / "lexicon")
    with pytest.raises(ArtifactError, match="already exists"):
        Lexicon.from_phrases(["a"]).save(folder)
    manifest = json.loads((folder / "lexicon.json").read_text())
    for change, word in (
        ({"kind": "other"}, "kind"),
        ({"schema_version": 99}, "schema_version"),
        ({"content_hash": "0"}, "hash"),
    ):
        (folder / "lexicon.json").write_text(json.dumps(manifest | change))
        with pytest.raises(ArtifactError, match=word):
            Lexicon.load(folder)
    (folder / "lexicon.json").write_text(json.dumps(manifest))
    (folder / "grams.parquet").write_bytes(b"PAR1")
    with pytest.raises(ArtifactError, match="not readable"):
        Lexicon.load(folder)
    (folder / "lexicon.json").unlink()
    with pytest.raises(ArtifactError, match="holds no lexicon.json"):
        Lexicon.load(folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"kind": ' + "[" * 60_000 + "]" * 60_000 + "}", "lexicon.json is not readable JSON"),
        ('{"kind": ' + "9" * 5000 + "}", "lexicon.json is not readable JSON"),
        ("\udcff", "lexicon.json is not readable JSON"),
        ("[]", "`kind`"),
        ({"threshold": "0.5"}, "threshold in .*lexicon.json is '0.5'"),
        ({"threshold": float("nan")}, "threshold"),
        ({"settings": [1]}, "settings"),
        ({"statistics": "none"}, "statistics"),
        ({"source": "AIME"}, "source"),
        ({"source": [1]}, "source"),
        ({"licence": 4}, "licence"),
    ],
)
def test_a_manifest_that_another_program_wrote(tmp_path, text, says):
    folder = Lexicon.from_phrases(["a b"]).save(tmp_path / "lexicon")
    if isinstance(text, dict):
        text = json.dumps(json.loads((folder / "lexicon.json").read_text()) | text)
    (folder / "lexicon.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ArtifactError, match=says) as caught:
        Lexicon.load(folder)
    assert str(folder) in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (pl.lit(7).alias("gram"), "column 'gram' holds Int32, not String"),
        (pl.lit(None, pl.String).alias("gram"), "row 0 has no gram"),
        (pl.lit("A b").alias("gram"), "not in folded form"),
        (pl.lit("0.5").alias("weight"), "column 'weight' holds String, not Float64"),
        (pl.lit(float("inf")).alias("weight"), "column 'weight' holds a value that is no finite number"),
        (pl.lit(0.5).alias("cluster"), "column 'cluster' holds Float64, not Int64"),
        (pl.lit([1]).alias("doc_freq"), "column 'doc_freq' holds List"),
    ],
)
def test_a_table_that_another_program_wrote(tmp_path, column, says):
    folder = Lexicon.from_phrases(["a b"]).save(tmp_path / "lexicon")
    pl.read_parquet(folder / "grams.parquet").with_columns(column).write_parquet(folder / "grams.parquet")
    with pytest.raises(ArtifactError, match=says) as caught:
        Lexicon.load(folder)
    assert str(folder / "grams.parquet") in caught.value.message


def test_files_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    folder = Lexicon.from_phrases(["a b"]).save(tmp_path / "lexicon")
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("so\n")

    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr("pathlib.Path.read_text", refuse)
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(FileError, match=r"lexicon.json cannot be read: Permission denied"):
        Lexicon.load(folder)
    with pytest.raises(DataError, match=r"phrases.txt cannot be read: Permission denied"):
        Lexicon.load(phrases)


def test_bad_tables():
    for grams, word in ((["Big"], "folded"), (["a", "a"], "twice"), ([], "no gram"), ([""], "folded")):
        with pytest.raises(DataError, match=word):
            Lexicon.from_table(pl.DataFrame({"gram": grams}, schema={"gram": pl.String}), name="bad")
    with pytest.raises(DataError, match="phrase 1"):
        Lexicon.from_phrases(["a", " "])


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.JSON", "rows.csv", "rows.parquet", "rows.jsonl.gz"])
def test_a_file_of_rows_is_no_list_of_phrases(tmp_path, name):
    (tmp_path / name).write_text("let me check\n")
    with pytest.raises(DataError, match=r"no list of phrases\n.*one phrase a line"):
        Lexicon.load(tmp_path / name)


def test_lines_that_are_json_objects_are_no_phrases(tmp_path):
    (tmp_path / "rows.txt").write_text('let me check\n  {"response": "let me check"}\n')
    with pytest.raises(DataError, match=r"line 2 is a JSON object(.|\n)*one phrase a line"):
        Lexicon.load(tmp_path / "rows.txt")
    (tmp_path / "sets.txt").write_text("{x} is the set\n")
    assert Lexicon.load(tmp_path / "sets.txt").phrases == ["{x} is the set"]
