"""Every verb that reads rollouts takes --map, and a command that a verb prints as the next one works as it stands."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from hicra import cli
from tokenizers_made import byte_level

SAID = "Let us check that the sum is right: \\boxed{2}"
ROWS = [
    {"q": f"question {n}", "said": [f"{word}. {SAID}", "No idea."], "ok": [1, 0], "gold": "2"}
    for n, word in enumerate(("Well", "Now", "Hm"))
]
MAP = "--map response=said --map correct=ok --map question=q --map answer=gold"
VERBS = {
    "corpus inspect": f"rows.jsonl {MAP}",
    "mine": f"rows.jsonl {MAP} -o out --embedder hashing",
    "tag": f"rows.jsonl {MAP} -o out.jsonl",
    "diagnose": f"rows.jsonl {MAP}",
    "verify": f"rows.jsonl {MAP}",
    "eval": f"--samples rows.jsonl {MAP} -o out --k 1,2",
    "lexicon sheet": "phrases.txt rows.jsonl --map response=said -o sheet.csv",
    "lexicon show": "phrases.txt --examples rows.jsonl --map response=said",
    "corpus overlap": "rows.jsonl bench.jsonl --map question=q",
}


@pytest.fixture(autouse=True)
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    Path("bench.jsonl").write_text(json.dumps({"question": "question 1", "answer": "2"}) + "\n")
    Path("phrases.txt").write_text("let us check\n")


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[Any, str]:
    """The JSON object of a verb, and what it said on stderr."""
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--json"])
    out, err = capsys.readouterr()
    assert not ended.value.code, err
    return json.loads(out), err


@pytest.mark.parametrize("verb", VERBS)
def test_map_in_every_verb(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, _ = run([*verb.split(), *VERBS[verb].split()], capsys)
    seen = {
        "corpus inspect": lambda: (found["rows"], found["correct"], found["wrong"], found["questions"]) == (6, 3, 3, 3),
        "mine": lambda: found["solutions"] == 3,
        "tag": lambda: (found["rows"], len(Path("out.jsonl").read_text().splitlines())) == (6, 6),
        "diagnose": lambda: (found["steps"][0]["rows"], found["steps"][0]["hicra/pass_at_2"]) == (6, 1.0),
        "verify": lambda: (found["n"], found["correct"], found["no_answer"]) == (6, 3, 3),
        "eval": lambda: found["files"]["rows.jsonl"]["avg_at_n"] == 0.5,
        "lexicon sheet": lambda: (found["responses"], found["grams"]) == (6, 1),
        "lexicon show": lambda: "that the sum" in json.dumps(found),
        "corpus overlap": lambda: [row["line"] for row in found["rows"]] == [2],
    }
    assert seen[verb]()


def test_a_wrong_word_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    for word, said in (("respons=said", "did you mean 'response'"), ("response", "OURS=THEIRS")):
        with pytest.raises(SystemExit) as ended:
            cli.main(["corpus", "inspect", "rows.jsonl", "--map", word])
        assert ended.value.code == 2
        assert said in capsys.readouterr().err


def test_inspect_says_what_it_could_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    Path("ids.jsonl").write_text('{"prompt_tokens": [1], "response_tokens": [2], "reward": 1}\n')
    found, err = run(["corpus", "inspect", "ids.jsonl"], capsys)
    assert (found["kept"], found["without_text"]) == (1, 1)
    assert "1 of 1 rows hold token ids and no text; --tokenizer DIR reads them" in err
    Path("log.json").write_text(
        '{"eval": {}, "samples": [{"epoch": 1, "input": "q", "target": "2", "messages": []}, 5]}'
    )
    found, err = run(["corpus", "inspect", "log.json", "--on-bad", "skip", "--max-bad", "1"], capsys)
    assert (found["rows"], found["kept"], found["skipped"], found["without_response"]) == (1, 0, 1, 1)
    assert "lines without a response, since the model said nothing there: 1" in err


def test_the_next_command_reads_the_same_rows_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my rows").mkdir()
    byte_level().save("my rows/tokenizer.json")
    Path("my rows/a b.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS) + "{\n")
    options = "--on-bad skip --max-bad 0.5 --tokenizer"
    _, err = run(["corpus", "inspect", "my rows/a b.jsonl", *MAP.split(), *options.split(), "my rows"], capsys)
    for _ in range(2):  # mine, then tag
        [line] = [line for line in err.splitlines() if line.startswith("next: hicra ")]
        found, err = run(shlex.split(line)[2:], capsys)
    assert found["rows"] == 6


def refused(words: list[str], capsys: pytest.CaptureFixture[str], code: int = 1) -> str:
    """What a verb said on stderr that refuses its input."""
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--json"])
    out, err = capsys.readouterr()
    assert (ended.value.code, set(json.loads(out))) == (code, {"error", "fix"}), err
    return err


def test_a_new_lexicon_with_the_name_of_a_built_in(capsys: pytest.CaptureFixture[str]) -> None:
    _, err = run(["mine", "rows.jsonl", *MAP.split(), "-o", "planning", "--embedder", "hashing"], capsys)
    [line] = [line for line in err.splitlines() if line.startswith("next: hicra tag")]
    assert line.endswith("--lexicon ./planning")
    tagged, err = run(shlex.split(line)[2:], capsys)
    assert "built-in" not in err
    other, err = run(["tag", "rows.jsonl", *MAP.split(), "--lexicon", "planning"], capsys)
    assert "'planning' is the built-in lexicon here; the folder of that name is './planning'" in err
    assert tagged["planning_tokens"] != other["planning_tokens"]
    _, err = run(["lexicon", "select", "./planning", "-o", "paper", "--n-min", "1"], capsys)
    assert "next: hicra lexicon show ./paper\n" in err


def test_files_beside_the_rows_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("both").mkdir()
    Path("both/a.jsonl").write_text(json.dumps({"response": SAID}) + "\n")
    Path("both/b.json").write_text(json.dumps([{"response": SAID}]))
    found, _ = run(["corpus", "inspect", "both"], capsys)
    [left] = found["left_out"]
    assert (found["files"], left["file"]) == (["both/a.jsonl"], "both/b.json")
    assert "name the file to read it" in left["reason"]
    for verb in ("tag", "diagnose", "mine --include-incorrect --min-df 1 --embedder hashing -o out"):
        found, err = run([*verb.split(), "both", "-q"], capsys)
        assert "warning: left out: both/b.json; `hicra corpus inspect` says why" in err
        assert [one for one in found["warnings"] if one.startswith("left out: both/b.json")]
    assert run(["corpus", "inspect", "both/a.jsonl", "both/b.json"], capsys)[0]["left_out"] == []
    assert run(["corpus", "inspect", "both", "both/b.json"], capsys)[0]["left_out"] == []


def test_a_warning_names_the_first_files_of_many(capsys: pytest.CaptureFixture[str]) -> None:
    Path("many").mkdir()
    Path("many/a.jsonl").write_text(json.dumps({"response": SAID}) + "\n")
    for name in ("b.csv", "c.csv", "d.csv", "e.csv", "config.json", "README.md"):
        Path(f"many/{name}").write_text("x")
    assert "left out: many/b.csv, many/c.csv, many/d.csv and 1 more;" in run(["diagnose", "many"], capsys)[1]


def test_duplicates_are_told_even_to_those_who_want_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    Path("twice.jsonl").write_text((json.dumps({"id": 1, "response": SAID}) + "\n") * 3)
    found, err = run(["diagnose", "twice.jsonl", "-q"], capsys)
    said = "duplicates: 2 rows of an id that came before with the same content are left out"
    assert f"warning: {said}\n" in err
    assert said in found["warnings"]


def test_rows_in_two_files_and_rewards_beyond_the_rule_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("dumps").mkdir()
    for name in "ab":
        rows = [{"response": f"{SAID} {n}", "reward": 10, "of": name} for n in range(4)]
        Path(f"dumps/{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for verb in ("corpus inspect", "diagnose", "mine --embedder hashing -o out"):
        found, err = run([*verb.split(), "dumps", "-q"], capsys)
        for said in ("4 of the 4 rows of dumps/b.jsonl stand in dumps/a.jsonl too", "all of 8 rows count as right"):
            assert said in err
            assert said in " ".join(found["warnings"])
    found, err = run(["diagnose", "dumps/a.jsonl", "dumps/b.jsonl", "--apart"], capsys)
    assert "stand in" not in err  # two runs that are compared may say the same


def test_what_comes_after_inspect(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"response": SAID, "correct": True, "step": 1}
    for name, one in (
        ("-both", row), ("wrong", row | {"correct": False}), ("unknown", {"response": SAID}), ("right", row | {"step": None}),
    ):  # fmt: skip
        Path(f"{name}.jsonl").write_text(json.dumps(one) + "\n")
        _, err = run(["corpus", "inspect", f"./{name}.jsonl"], capsys)
        lines = [line for line in err.splitlines() if not line.startswith("warning")]
        mine, diagnose = f"hicra mine {name}.jsonl -o lexicon", f"hicra diagnose {name}.jsonl"
        assert lines == {
            "-both": ["next: hicra mine ./-both.jsonl -o lexicon", "or:   hicra diagnose ./-both.jsonl"],
            "right": [f"next: {mine}"],
        }.get(name, [f"next: {diagnose}"])
    run(["diagnose", "./-both.jsonl"], capsys)


def test_standard_input_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no standard input" in refused(["diagnose", "-"], capsys, code=2)
    assert "no standard input" in refused(["corpus", "inspect", "/dev/stdin"], capsys)


@pytest.mark.parametrize("verb", ["corpus inspect", "tag", "diagnose", "mine -o out"])
@pytest.mark.parametrize("share", ["1.5", "nan", "-1"])
def test_a_share_of_bad_lines_that_is_none(verb: str, share: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"--max-bad {share} is no share" in refused(
        [*verb.split(), "rows.jsonl", "--max-bad", share], capsys, code=2
    )


def test_skipping_is_advised_where_it_can_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    Path("torn.jsonl").write_text(json.dumps({"id": 1, "response": SAID, "answer": "2"}) + "\n{\n")
    assert "--on-bad skip" in refused(["tag", "torn.jsonl"], capsys)
    for words in ("verify torn.jsonl", "eval --samples torn.jsonl -o out", "lexicon show paper --examples torn.jsonl"):
        err = refused(words.split(), capsys)
        assert "torn.jsonl line 2" in err
        assert "--on-bad" not in err


def test_map_with_two_values_says_to_repeat_it(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--map", "response=said", "question=q"]
    assert "repeat --map" in refused(["tag", "rows.jsonl", *words], capsys)
    assert "repeat --map" in refused(["verify", "rows.jsonl", *words], capsys)
    assert "repeat --map" not in refused(["tag", "rows.jsonl", "gone=q"], capsys)


def test_duplicates_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    row = json.dumps({"id": 1, "response": SAID, "correct": True}) + "\n"
    Path("twice.jsonl").write_text(row + row + json.dumps({"id": 2, "response": SAID, "correct": True}) + "\n")
    for verb, became in (
        ("diagnose", "left out"),
        ("tag", "tagged"),
        ("mine --min-df 1 -o out --embedder hashing", "left out"),
    ):
        found, err = run([*verb.split(), "twice.jsonl"], capsys)
        assert found["duplicates"] == 1
        [line] = [line for line in err.splitlines() if line.startswith("warning: duplicates: 1 row ")]
        assert became in line
