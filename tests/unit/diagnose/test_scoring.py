"""`hicra diagnose --model`: the entropies that it writes are the model's, what the dump has stays, what is left out is said."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from hicra import Lexicon, cli  # noqa: E402
from hicra.diagnose.diagnose import diagnose  # noqa: E402
from hicra.diagnose.scoring import Scoring  # noqa: E402
from hicra.errors import ConfigError, DataError  # noqa: E402
from hicra.report.build import build_model  # noqa: E402
from hicra.runs import RunFolder  # noqa: E402
from scored_model import CHAT, by_hand, model_folder, opened  # noqa: E402

LEXICON = Lexicon.from_phrases(["let me check"])
ROWS = [
    {"question": "What is x?", "response": "Wait, let me check this again.", "correct": True},
    {"question": "What is x?", "response": "So x = 12", "correct": False},
    {"question": "Verify 3/4.", "response": "Hmm, let me check it step by step: the café 你好", "correct": True},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("model") / "plain")


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.mktemp("model") / "chat", chat=CHAT)


def measured(tmp_path: Path, rows: list[dict[str, Any]], model: Path | str, **more: Any) -> dict[str, Any]:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    settings = {"tokenizer": None, "out": tmp_path / "run", "on_bad": "stop", "max_bad": 0.01}
    scoring = Scoring(
        str(model), **{key: more.pop(key) for key in ("limit", "again", "signal", "attention") if key in more}
    )
    return diagnose([path], LEXICON, scoring=scoring, **settings | more)


def kept(tmp_path: Path) -> list[dict[str, Any]]:
    return [row for table in RunFolder.open(tmp_path / "run").rollouts() for row in table.to_dicts()]


# ---- the values
def test_entropies_and_logprobs_are_those_of_the_model_row_by_row(tmp_path: Path, folder: Path) -> None:
    found = measured(tmp_path, ROWS, folder)
    model, tokenizer = opened(folder)
    entropies: dict[bool, list[float]] = {True: [], False: []}
    for row, written in zip(ROWS, kept(tmp_path), strict=True):
        ids = tokenizer(row["response"], add_special_tokens=False)["input_ids"]
        own, logs = by_hand(model, tokenizer(row["question"])["input_ids"], ids)
        assert written["token_ids"] == ids
        assert written["entropies"] == pytest.approx(own, abs=2e-5)
        assert written["logprobs"] == pytest.approx(logs, abs=2e-5)
        for plans, value in zip(written["planning_mask"], own, strict=True):
            entropies[bool(plans)].append(value)
    [step] = found["steps"]
    assert entropies[True]
    assert step["hicra/entropy_planning"] == pytest.approx(sum(entropies[True]) / len(entropies[True]), abs=1e-5)
    assert step["hicra/entropy_execution"] == pytest.approx(sum(entropies[False]) / len(entropies[False]), abs=1e-5)
    assert found["coverage"]["hicra/entropy_planning"] == 3
    assert found["counts"] == "tokens"


def test_the_text_between_the_ends_of_tokens_is_what_they_spell_so_the_page_can_show_them(
    tmp_path: Path, folder: Path
) -> None:
    measured(tmp_path, ROWS, folder)
    for row in kept(tmp_path):
        assert row["token_ends"][-1] == len(row["response"])
        spans = row["spans"]
        marked = {at for at, plans in enumerate(row["planning_mask"]) if plans}
        begins = [0, *row["token_ends"]]
        inside = {
            at for at in range(len(row["token_ids"]))
            if any(begins[at] < one["end"] and begins[at + 1] > one["start"] for one in spans)
        }  # fmt: skip
        assert marked == inside
    shown = build_model([tmp_path / "run"]).rollouts
    assert all(len(one.entropies) == len(one.ends) == len(one.logprobs) > 0 for one in shown)


def test_findings_that_need_entropies_look_at_a_dump_without_them(tmp_path: Path, folder: Path) -> None:
    found = measured(tmp_path, ROWS, folder)
    assert "fork_overlap" in {one["name"] for one in found["findings"]}
    assert "fork_overlap" not in {one["name"] for one in found["unlooked"]}


def test_the_values_of_a_row_do_not_depend_on_the_rows_beside_it(tmp_path: Path, folder: Path) -> None:
    measured(tmp_path, ROWS, folder)
    together = kept(tmp_path)[1]
    measured(tmp_path, [ROWS[1]], folder, overwrite=True)
    [alone] = kept(tmp_path)
    assert alone["entropies"] == pytest.approx(together["entropies"], abs=1e-5)


# ---- what the dump has
def test_entropies_of_the_dump_are_kept_unless_asked(tmp_path: Path, folder: Path) -> None:
    _, tokenizer = opened(folder)
    ids = tokenizer(ROWS[1]["response"], add_special_tokens=False)["input_ids"]
    own = [0.25 + at for at in range(len(ids))]
    rows = [ROWS[0], ROWS[1] | {"token_ids": ids, "entropies": own}]
    found = measured(tmp_path, rows, folder)
    first, second = kept(tmp_path)
    assert second["entropies"] == own
    assert second["logprobs"] is not None
    assert first["entropies"] is not None
    assert found["scores"]["kept"] == {"entropies": 1, "logprobs": 0}
    assert found["scores"]["token_ids"] == {"recorded": 1, "from_text": 1, "of_another_tokenizer": 0}
    measured(tmp_path, rows, folder, again=True, overwrite=True)
    assert kept(tmp_path)[1]["entropies"] != own


def test_a_row_with_both_is_not_scored_at_all(tmp_path: Path, folder: Path) -> None:
    _, tokenizer = opened(folder)
    ids = tokenizer(ROWS[1]["response"], add_special_tokens=False)["input_ids"]
    own = {"token_ids": ids, "entropies": [0.5] * len(ids), "logprobs": [-0.5] * len(ids)}
    found = measured(tmp_path, [ROWS[1] | own], folder)
    assert found["scores"]["rows"] == 0
    assert kept(tmp_path)[0]["logprobs"] == own["logprobs"]


def test_token_ids_of_another_tokenizer_are_said_and_the_text_is_cut_anew(tmp_path: Path, folder: Path) -> None:
    rows = [ROWS[0] | {"token_ids": [5, 6, 7]}, ROWS[1] | {"token_ids": [10**6]}, ROWS[2]]
    found = measured(tmp_path, rows, folder)
    assert found["scores"]["token_ids"] == {"recorded": 0, "from_text": 3, "of_another_tokenizer": 2}
    assert any("token_ids of 2 rows do not spell the response" in said for said in found["warnings"])
    _, tokenizer = opened(folder)
    assert kept(tmp_path)[0]["token_ids"] == tokenizer(ROWS[0]["response"])["input_ids"]


def test_entropies_that_fit_other_tokens_do_not_count_and_are_said(tmp_path: Path, folder: Path) -> None:
    found = measured(tmp_path, [ROWS[0] | {"entropies": [0.5, 0.5]}], folder)
    assert any("the entropies of 1 row do not fit the tokens" in said for said in found["warnings"])
    assert len(kept(tmp_path)[0]["entropies"]) == len(kept(tmp_path)[0]["token_ids"])


# ---- prompts
def test_messages_are_read_by_the_chat_template_and_texts_as_they_are(tmp_path: Path, chat: Path) -> None:
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is x?"}]
    rows = [{"prompt": asked, "response": "So x = 12"}, {"question": "What is x?", "response": "So x = 12"}]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    model, tokenizer = opened(chat)
    ids = tokenizer("So x = 12", add_special_tokens=False)["input_ids"]
    for place, row, text, how in zip(
        ("a", "b"), rows, ("<system>Be brief.<user>What is x?<assistant>", "What is x?"), ("chat template", "plain text"),
        strict=True,
    ):  # fmt: skip
        found = measured(tmp_path / place, [row], chat)
        assert found["scores"]["prompts"] == {how: 1}
        own, _ = by_hand(model, tokenizer(text, add_special_tokens=False)["input_ids"], ids)
        assert kept(tmp_path / place)[0]["entropies"] == pytest.approx(own, abs=2e-5)


# ---- what cannot be scored
def test_rows_that_cannot_be_scored_are_counted_with_the_reason(tmp_path: Path, folder: Path) -> None:
    rows = [
        *ROWS,
        {"response": "let me check"},
        {"question": "q", "response": "let me check " * 100},
        {"question": "q", "response": ""},
        {"messages": [
            {"role": "user", "content": "q"}, {"role": "assistant", "content": "let me check"},
            {"role": "user", "content": "go on"}, {"role": "assistant", "content": "so x"},
        ]},
    ]  # fmt: skip
    found = measured(tmp_path, rows, folder)
    assert found["scores"]["left_out"] == {
        "it has no prompt": 1, "it has no token": 1, "it has several turns": 1,
        "with its prompt it is longer than the model's context of 256 tokens": 1,
    }  # fmt: skip
    assert sum("not scored by" in said for said in found["warnings"]) == 4
    assert [row["entropies"] is None for row in kept(tmp_path)] == [False, False, False, True, True, True, True]
    assert found["coverage"]["hicra/entropy_planning"] == 3


def test_a_dump_without_any_prompt_is_an_error_that_names_the_option(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(DataError, match="can score none of 1 row.*no prompt") as error:
        measured(tmp_path, [{"response": "let me check"}], folder)
    assert "--map question=COLUMN" in error.value.fix
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_model_is_an_error(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match="no model and no folder"):
        measured(tmp_path, ROWS, tmp_path / "nowhere")
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        (bare / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(ConfigError, match="holds no tokenizer"):
        measured(tmp_path, ROWS, bare)
    (bare / "vocab.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"has no tokenizer\.json"):
        measured(tmp_path, ROWS, bare)


def test_a_tokenizer_with_more_tokens_than_its_model_is_refused(tmp_path: Path, folder: Path) -> None:
    other = model_folder(tmp_path / "other")
    text = json.loads((other / "tokenizer.json").read_text(encoding="utf-8"))
    text["added_tokens"].append(
        {"id": 9000, "content": "<far>", "special": False, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False}
    )  # fmt: skip
    (other / "tokenizer.json").write_text(json.dumps(text), encoding="utf-8")
    with pytest.raises(ConfigError, match="has token .*, and the model knows .* tokens"):
        measured(tmp_path, ROWS, other)


def test_without_torch_the_error_names_the_command(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "hicra.generation.sampling", raising=False)
    with pytest.raises(ConfigError, match="hicra diagnose --model needs torch") as error:
        measured(tmp_path, ROWS, folder)
    assert "[train]" in error.value.fix


# ---- a part of the rows
def test_a_limit_takes_whole_prompts_of_each_step_and_says_so(tmp_path: Path, folder: Path) -> None:
    rows = [
        {"question": f"q{prompt}", "step": step, "response": "let me check x"}
        for step in (1, 2) for prompt in range(4) for _ in range(2)
    ]  # fmt: skip
    found = measured(tmp_path, rows, folder, limit=4)
    assert (found["scores"]["drawn"], found["scores"]["rows"]) == (8, 8)
    scored = [row["entropies"] is not None for row in kept(tmp_path)]
    assert scored[:8] == scored[8:] == [True, True, False, False, True, True, False, False]
    assert found["coverage"]["hicra/entropy_planning"] == 8


# ---- the verb
def test_the_verb_says_how_it_read_and_json_holds_it(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    with pytest.raises(SystemExit, match="0"):
        cli.main(["diagnose", str(path), "--model", str(folder), "-q"])
    said = capsys.readouterr().out
    assert "prompts read: 3 as plain text; token ids: 0 rows as recorded, 3 cut from the text" in said
    with pytest.raises(SystemExit, match="0"):
        cli.main(["diagnose", str(path), "--model", str(folder), "-q", "--json"])
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert (scores["rows"], scores["model"]) == (3, str(folder))
    assert scores["surprise"]["surprise"] > scores["surprise"]["entropy"] > 0
    assert math.isfinite(scores["seconds"])


@pytest.mark.parametrize(
    "words", [["--signal"], ["--model-limit", "3"], ["--rescore"], ["--model", "x", "--tokenizer", "y"]]
)
def test_options_that_do_not_go_together_are_usage_errors(
    tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"response": "let me check"}\n', encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["diagnose", str(path), *words])
    assert ended.value.code == 2
    assert "--model" in capsys.readouterr().err
