"""Each writer's dump, with invented content: what becomes of it, by file and by folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hicra import corpus
from hicra.artifacts import finite
from hicra.corpus.formats import lighteval
from hicra.corpus.formats.interface import Context, Format
from hicra.corpus.formats.plain import PLAIN
from hicra.corpus.formats.recognise import FORMATS
from hicra.corpus.strict_json import BadRow
from hicra.corpus.turns import WALL
from hicra.errors import DataError

ASKED = "A shelf holds 2 rows of 6 jars. How many jars?"
GOOD = "Let us count again: 2 times 6 is 12."
BAD = "So 2 + 6 = 8."
USER = {"role": "user", "content": ASKED}
Rows = list[dict[str, Any]]
TOLD = ("response", "question", "answer", "correct", "reward", "step", "group_id")


@dataclass(frozen=True)
class Dump:
    """A dump: `rows` at `name` below a folder, beside `others`, and what must be read, in the order of `TOLD`."""

    writer: str
    name: str
    rows: Rows
    read: list[tuple[Any, ...]]
    duplicates: int = 0
    without_response: int = 0
    others: dict[str, Any] = field(default_factory=dict)

    def write(self, root: Path) -> Path:
        for name, rows in {self.name: self.rows, **self.others}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith(".parquet"):
                pl.DataFrame(rows).write_parquet(path)
            elif name.endswith(".json"):
                path.write_text(json.dumps(rows), encoding="utf-8")
            else:
                path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return root / self.name


def harness(doc: int, filtered: str, text: str, score: float, **more: Any) -> dict[str, Any]:
    return {
        "doc_id": doc, "doc": {"question": ASKED}, "target": "12", "arguments": {"gen_args_0": {"arg_0": "Q: " + ASKED}},
        "resps": [[text]], "filtered_resps": ["12"], "filter": filtered, "metrics": ["exact_match", "length"],
        "exact_match": score, "length": 40, "doc_hash": f"d{doc}", **more,
    }  # fmt: skip


def episode(name: str, text: str, score: float, sampled: bool = True, **rewards: Any) -> dict[str, Any]:
    nodes = [
        {"parent": None, "message": USER, "sampled": False},
        {"parent": 0, "message": {"role": "assistant", "content": "8.", "reasoning_content": text}, "sampled": sampled},
        {"parent": 1, "message": {"role": "tool", "content": "let us count again"}, "sampled": False},
    ]
    trace = {"id": name, "nodes": nodes, "rewards": {"right": {"score": score, "weight": 2.0}} | rewards}
    return {
        "id": f"e-{name}", "task": {"data": {"prompt": ASKED, "answer": "12"}}, "group": {"id": "g"},
        "run": {"work": {"step": 7}}, "traces": [trace],
    }  # fmt: skip


def sample(text: str, score: Any, **more: Any) -> dict[str, Any]:
    put_in = {"role": "assistant", "content": "Think first.", "source": "input"}
    said = {"role": "assistant", "content": text, "source": "generate"}
    return {
        "id": "q", "epoch": 1, "input": ASKED, "target": "12", "messages": [USER, put_in, said],
        "scores": {"match": {"value": score}}, **more,
    }  # fmt: skip


def recorded(number: int, text: str, accuracy: float) -> dict[str, Any]:
    return {
        "sample_id": f"s{number}", "step": 20, "prompt_text": ASKED, "completion_text": text, "group_id": "g",
        "completion_token_ids": [1, 2], "reward_total": accuracy + 0.5, "reward_component.accuracy": accuracy,
        "reward_component.format": 0.5,
    }  # fmt: skip


DUMPS = [
    Dump(
        "lm_eval",
        "samples_jars_2026-02-03.jsonl",
        [harness(0, "strict", GOOD, 1.0), harness(1, "strict", BAD, 0.0), harness(0, "loose", GOOD, 1.0)],
        [(GOOD, ASKED, "12", True, 1.0, None, 0), (BAD, ASKED, "12", False, 0.0, None, 1)],
        duplicates=1,  # the other filter of a doc
    ),
    Dump(
        "nemo_rl",
        "val_data_step30.jsonl",
        [
            {
                "content": [[USER, {"role": "assistant", "content": text}, {"role": "environment", "content": "hm"}]],
                "rewards": [r],
            }
            for text, r in ((GOOD, 1.0), (BAD, 0.0))
        ],
        [(GOOD, ASKED, None, True, 1.0, 30, ASKED), (BAD, ASKED, None, False, 0.0, 30, ASKED)],
    ),
    Dump(
        "openrlhf",
        "generate.jsonl",
        [{"input": ASKED, "output": GOOD, "reward": 0.5}, {"input": ASKED, "output": BAD, "reward": -1.0}],
        [(GOOD, ASKED, None, True, 0.5, None, ASKED), (BAD, ASKED, None, False, -1.0, None, ASKED)],
    ),
    Dump(
        "nemo_skills",
        "output-rs0.jsonl",
        [
            {"problem": ASKED, "expected_answer": "12", "generation": GOOD, "symbolic_correct": True},
            {"problem": ASKED, "expected_answer": "12", "generation": "8.", "is_correct": False, "reasoning_content": BAD},
        ],
        [(GOOD, ASKED, "12", True, None, None, ASKED), (f"{BAD}{WALL}8.", ASKED, "12", False, None, None, ASKED)],
    ),
    Dump(
        "qwen_eval",
        "test_s0.jsonl",
        [
            {
                "idx": 3, "question": ASKED, "solution": "Multiply.", "answer": "x", "gt": "12", "code": [GOOD, BAD],
                "score": [True, False],
            },
        ],
        [(GOOD, ASKED, "12", True, None, None, 3), (BAD, ASKED, "12", False, None, None, 3)],
    ),
    Dump(
        "openr1_math",
        "train.jsonl",
        [
            {
                "problem": ASKED, "solution": "Multiply.", "answer": "12", "uuid": "u", "generations": [GOOD, BAD],
                "correctness_math_verify": [True, False], "is_reasoning_complete": [True, True],
            },
        ],
        [(GOOD, ASKED, "12", True, None, None, "u"), (BAD, ASKED, "12", False, None, None, "u")],
    ),
    Dump(
        "prime_rl",
        "rollouts/step_7/train/all/traces.jsonl",
        [episode("a", GOOD, 1.0), episode("b", BAD, 0.0), episode("c", "", 0.0, sampled=False)],
        [
            (f"{GOOD}{WALL}8.", ASKED, "12", True, 2.0, 7, "g"),  # score times weight
            (f"{BAD}{WALL}8.", ASKED, "12", False, 0.0, 7, "g"),
        ],
        duplicates=1,  # the same trace among those that were trained on
        without_response=1,
        others={"rollouts/step_7/train/effective/traces.jsonl": [episode("a", GOOD, 1.0)]},
    ),
    Dump(
        "rlprobe",
        "samples/shard-00000.parquet",
        [recorded(1, GOOD, 1.0), recorded(2, BAD, 0.0)],
        [(GOOD, ASKED, None, True, 1.5, 20, "g"), (BAD, ASKED, None, False, 0.5, 20, "g")],
        others={"manifest.json": {"run": "r"}, "events.jsonl": [{"kind": "start"}], "steps.parquet": [{"step": 20}]},
    ),
    Dump(
        "verl",
        "5.jsonl",
        [
            {"input": ASKED, "output": GOOD, "gts": "12", "score": 1.0, "acc": True, "bonus": math.nan},
            {"input": ASKED, "output": BAD, "gts": "12", "score": math.nan, "acc": False, "bonus": 0.0},
        ],
        [(GOOD, ASKED, "12", True, 1.0, 5, ASKED), (BAD, ASKED, "12", None, None, 5, ASKED)],
    ),
    Dump(
        "trl",
        "completions_00003.parquet",
        [
            {"step": 3, "prompt": ASKED, "completion": GOOD, "accuracy_reward": 1.0, "style": -math.inf, "advantage": 0.5},
            {"step": 3, "prompt": ASKED, "completion": BAD, "accuracy_reward": math.nan, "style": 0.5, "advantage": -0.5},
        ],
        [(GOOD, ASKED, None, True, 1.0, 3, ASKED), (BAD, ASKED, None, None, 0.5, 3, ASKED)],
    ),
    Dump(
        "skyrl",
        "global_step_40_evals/jars.jsonl",
        [
            {
                "input_prompt": ASKED, "output_response": text, "score": score, "data_source": "jars",
                "env_extras": {"reward_spec": {"ground_truth": "12"}}, "stop_reason": "stop",
            }
            for text, score in ((GOOD, [0.0, 0.25, 0.75]), (BAD, 0.0))
        ],
        [(GOOD, ASKED, "12", True, 1.0, 40, ASKED), (BAD, ASKED, "12", False, 0.0, 40, ASKED)],  # a score a token is summed
        others={"global_step_40_evals/aggregated_results.jsonl": [{"eval/all/avg_score": 0.5}]},
    ),
    Dump(
        "lighteval",
        "details/model/2026-02-03/details_jars_2026-02-03.parquet",
        [
            {
                "doc": {
                    "query": "Q: " + ASKED, "original_query": ASKED, "choices": ["12"], "gold_index": [0], "id": "7",
                    "task_name": "jars",
                },
                "metric": {"extractive_match": score},
                "model_response": {"text": [text], "reasonings": ["Hm."]},
            }
            for text, score in ((GOOD, 1.0), (BAD, 0.0))
        ],
        [(f"Hm.{WALL}{GOOD}", ASKED, "12", True, 1.0, None, "7"), (f"Hm.{WALL}{BAD}", ASKED, "12", False, 0.0, None, "7")],
        others={"results/model/results_2026-02-03.json": {"results": {}}},
    ),
    Dump(
        "inspect",
        "2026-02-03_jars.json",
        {
            "version": 2, "status": "success", "eval": {"model": "m", "task": "jars"},
            "samples": [sample(GOOD, "C"), sample(BAD, "I")],
        },
        [(GOOD, ASKED, "12", True, 1.0, None, "q"), (BAD, ASKED, "12", False, 0.0, None, "q")],
    ),
    Dump(
        "sharegpt",
        "talk.jsonl",
        [
            {"id": "a", "conversations": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": GOOD}]},
            {
                "id": "b",
                "conversations": [
                    {"from": "human", "value": ASKED}, {"from": "gpt", "value": BAD}, {"from": "gpt", "value": "8."},
                ],
            },
        ],
        [(GOOD, ASKED, None, None, None, None, ASKED), (f"{BAD}{WALL}8.", ASKED, None, None, None, None, ASKED)],
    ),
]  # fmt: skip


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.writer)
@pytest.mark.parametrize("by", ["file", "folder"])
def test_a_dump_is_read_as_its_writer_means_it(tmp_path: Path, dump: Dump, by: str) -> None:
    path = dump.write(tmp_path)
    whole = by == "folder" or len(dump.others) == 0
    result = corpus.read(tmp_path if by == "folder" else path)
    assert result.format == dump.writer
    assert [tuple(row[name] for name in TOLD) for row in result.rows.to_dicts()] == dump.read
    if whole:
        assert result.duplicates == dump.duplicates
    assert result.lines == result.kept + result.skipped + result.duplicates
    said = corpus.inspect(tmp_path if by == "folder" else path)
    assert (said["rows"], said["kept"]) == (result.lines, len(dump.read))
    verdicts = [read[TOLD.index("correct")] for read in dump.read]
    assert [said[name] for name in ("correct", "wrong", "unknown")] == [verdicts.count(x) for x in (True, False, None)]
    assert (said["steps"], said["questions"]) == (len({read[5] for read in dump.read} - {None}), 1)
    if by == "folder":
        assert said["without_response"] == dump.without_response


@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.writer)
def test_nothing_of_a_row_is_dropped(tmp_path: Path, dump: Dump) -> None:
    path = dump.write(tmp_path)
    result = corpus.read(path, keep_duplicates=True)
    first = dump.rows["samples"][0] if dump.writer == "inspect" else dump.rows[0]  # type: ignore[call-overload]
    assert set(result.input_names) >= set(first)
    assert set(result.input_names.values()) <= set(result.rows.columns)


def test_every_format_but_the_one_of_token_ids_has_a_dump_here() -> None:
    assert {known.name for known in FORMATS} - {dump.writer for dump in DUMPS} == {"open_instruct"}


WRONG: list[Any] = [
    None,
    5,
    0.5,
    10**400,
    True,
    "x",
    [],
    {},
    [None],
    [5],
    ["x"],
    [[]],
    [{}],
    {"a": None},
    {"value": {}},
]


PLAIN_ROWS: Rows = [
    {
        "messages": [USER, {"role": "assistant", "content": [{"type": "text", "text": GOOD}], "thinking": "hm"}], "correct": 1,
        "id": 1, "group_id": "g", "step": 2.0, "token_ids": [1, 2], "model": "m", "source": "s", "answer": ["12"],
    },
    {"completion": [GOOD, BAD], "prompt": [USER], "reward": [1.0, 0.0], "solution": "12"},
]  # fmt: skip


def mutants(value: Any) -> Iterator[Any]:
    """The value with one thing in it, at any depth, left out or of another type."""
    if isinstance(value, dict):
        for key, inner in value.items():
            rest = {name: other for name, other in value.items() if name != key}
            yield rest
            yield from (rest | {key: other} for other in [*WRONG, *mutants(inner)])
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield value[:at] + value[at + 1 :]
            yield from ([*value[:at], other, *value[at + 1 :]] for other in [*WRONG, *mutants(inner)])


@pytest.mark.parametrize("known", [*FORMATS, PLAIN], ids=lambda known: known.name or "plain")
def test_a_row_of_any_shape_is_read_or_bad(tmp_path: Path, known: Format) -> None:
    """Rows that fit the format by their columns alone end in responses or in a reason, never in another error."""
    ids = {"step": 1, "prompt_idx": 0, "prompt_tokens": [1], "response_tokens": [2], "reward": 1.0, "ground_truth": [3]}
    older = {"full_prompt": "q", "example": "q", "predictions": [GOOD], "gold": ["12"], "metrics": {"em": [1.0]}}
    rows: Any = next((dump.rows for dump in DUMPS if dump.writer == known.name), [ids])
    rows = (
        PLAIN_ROWS
        if known is PLAIN
        else [older]
        if known is lighteval.OLDER
        else rows["samples"]
        if known.name == "inspect"
        else rows
    )
    context = Context(tmp_path / "step_1.jsonl", decode=lambda ids: "".join(map(str, ids)))
    read = bad = 0
    for row in finite(rows[:2]):
        assert known.responses(row, context)
        for mutant in mutants(row):
            context.floats = frozenset(name for name, value in mutant.items() if type(value) is float)
            try:
                read += all("response" in one.values for one in known.responses(mutant, context))
            except BadRow:
                bad += 1
    assert min(read, bad) > 10


def test_a_row_without_a_column_of_its_format_is_bad_by_line(tmp_path: Path) -> None:
    path = Dump("", "3.jsonl", [{"input": "q", "output": "a", "score": 1.0}, {"input": "q", "text": "b"}], []).write(
        tmp_path
    )
    with pytest.raises(corpus.BadLine, match="line 2 .*: no 'output' and no 'score', which every row of verl has"):
        corpus.read(path)


# ---- token ids and no text
def test_open_instruct_needs_a_tokenizer_for_its_text(tmp_path: Path) -> None:
    row = {
        "step": 4, "prompt_idx": 1, "prompt_tokens": [81, 63], "response_tokens": [104, 105], "reward": 10.0, "dataset": "jars",
        "ground_truth": [49, 50],
    }  # fmt: skip
    path = Dump("open_instruct", "jars_rollouts_000000.jsonl", [row], []).write(tmp_path)
    (tmp_path / "jars_metadata.jsonl").write_text('{"run": "jars"}\n')
    result = corpus.read(tmp_path, decode=lambda ids: "".join(map(chr, ids)))
    assert [result.rows[name][0] for name in TOLD] == ["hi", "Q?", "12", True, 10.0, 4, "4:1"]
    assert result.rows["token_ids"].to_list() == [[104, 105]]
    for ids in ([-1], ["a"], "hi"):
        bad = Dump("open_instruct", "bad_rollouts_0.jsonl", [row | {"response_tokens": ids}], []).write(
            tmp_path / "bad"
        )
        with pytest.raises(corpus.BadLine, match="response_tokens must be a list of token ids"):
            corpus.read(bad, decode=lambda ids: "".join(map(chr, ids)))
    told = Dump("open_instruct", "told_rollouts_0.jsonl", [row | {"ground_truth": "12"}], []).write(tmp_path / "told")
    assert corpus.read(told).rows["answer"].to_list() == ["12"]  # not every version writes it as ids
    without = corpus.read(path)
    assert [without.rows[name][0] for name in TOLD] == [None, None, None, True, 10.0, 4, "4:1"]
    assert corpus.inspect(path)["without_text"] == 1


# ---- how a value becomes a verdict
def one(tmp_path: Path, rows: Any, name: str) -> dict[str, Any]:
    return corpus.read(Dump("", name, rows, []).write(tmp_path)).rows.to_dicts()[0]


@pytest.mark.parametrize(
    ("rewards", "correct"),
    [
        ({"right": 0.75}, True),  # the only one
        ({"my_Accuracy": 0.0, "format": 1.0}, False),  # the only one whose name judges
        ({"correctness": 1.0, "accuracy": 0.0}, None),  # two of them
        ({"format": 1.0, "length": 1.0}, None),  # none of them
    ],
)
def test_several_rewards_judge_only_by_name(tmp_path: Path, rewards: dict[str, float], correct: bool | None) -> None:
    row = {"step": 1, "prompt": "q", "completion": "r", **rewards, "advantage": 0.0}
    assert one(tmp_path, [row], "completions_00001.parquet")["correct"] is correct
    columns = {f"reward_component.{name}": value for name, value in rewards.items()}
    base = recorded(1, "r", 1.0)
    base = {name: value for name, value in base.items() if not name.startswith("reward_component")}
    assert one(tmp_path, [base | columns], "shard.parquet")["correct"] is correct
    counted = {name: {"score": value, "weight": 1.0} for name, value in rewards.items()}
    line = episode("a", "r", 1.0)
    line["traces"][0]["rewards"] = counted | {
        "turns": {"score": 3.0, "weight": 0.0}
    }  # what weighs nothing is no reward
    assert one(tmp_path, [line], "traces.jsonl")["correct"] is correct


@pytest.mark.parametrize(
    ("score", "correct", "reward"),
    [
        ("C", True, 1.0), ("I", False, 0.0), ("N", False, 0.0), ("P", None, 0.5), (True, True, 1.0), (0.25, False, 0.25),
        ("A", None, None),
    ],
)  # fmt: skip
def test_scores_of_inspect(tmp_path: Path, score: Any, correct: bool | None, reward: float | None) -> None:
    row = one(tmp_path, {"eval": {"model": "m"}, "samples": [sample("r", score)]}, "log.json")
    assert (row["correct"], row["reward"]) == (correct, reward)


def test_attachments_and_the_output_of_inspect(tmp_path: Path) -> None:
    message = {"role": "assistant", "content": "attachment://a1"}
    held = sample("", "C", attachments={"a1": "a long text"}, messages=[], output={"choices": [{"message": message}]})
    log = {"eval": {"model": "m"}, "samples": [held, sample("", "I", messages=[], output={"choices": []})]}
    result = corpus.read(Dump("", "log.json", log, []).write(tmp_path))  # type: ignore[arg-type]
    assert result.rows["response"].to_list() == ["a long text"]
    assert corpus.inspect(tmp_path / "log.json")["without_response"] == 1


def test_one_number_judges_no_single_one_of_several_responses(tmp_path: Path) -> None:
    rows = [harness(0, "strict", "", 1.0) | {"resps": [["a"], ["b"]]}]
    assert one(tmp_path, rows, "samples_a.jsonl")["correct"] is None
    each = [harness(0, "strict", "", 1.0) | {"resps": [["a", "b"]], "exact_match": [0.0, 1.0]}]
    found = corpus.read(Dump("", "samples_b.jsonl", each, []).write(tmp_path)).rows
    assert found["correct"].to_list() == [False, True]
    length = [harness(0, "strict", "a", 1.0) | {"metrics": ["length"]}]  # 40 is no share
    assert one(tmp_path, length, "samples_c.jsonl")["correct"] is None


def test_a_task_of_log_likelihoods_holds_no_rollouts(tmp_path: Path) -> None:
    rows = [harness(0, "none", "", 1.0) | {"resps": [[[-1.5, True]], [[-2.5, False]]]}]
    with pytest.raises(corpus.BadLine, match="resps holds no text: it is a task of log-likelihoods"):
        one(tmp_path, rows, "samples_a.jsonl")


@pytest.mark.parametrize(
    ("dump", "change", "reason"),
    [
        ("qwen_eval", {"score": [True]}, "score has 1 entries, code has 2"),
        (
            "openr1_math",
            {"correctness_math_verify": [True]},
            "correctness_math_verify has 1 entries, generations has 2",
        ),
        ("nemo_rl", {"content": ["a text"]}, "content holds no messages with roles"),
        ("sharegpt", {"conversations": "hello"}, "conversations must be a list"),
        ("prime_rl", {"traces": [{"id": "x"}]}, "a trace has no list of nodes"),
        ("lighteval", {"model_response": {"text": None}}, "model_response.text is no list of texts"),
    ],
)
def test_rows_that_their_writer_would_not_write_are_bad(
    tmp_path: Path, dump: str, change: dict[str, Any], reason: str
) -> None:
    known = next(one for one in DUMPS if one.writer == dump)
    with pytest.raises(corpus.BadLine, match=reason):
        corpus.read(Dump(dump, known.name, [known.rows[0] | change], []).write(tmp_path))


@pytest.mark.parametrize(
    ("dump", "change", "source"),
    [
        ("verl", {"output": None}, "output"),
        ("openrlhf", {"output": None}, "output"),
        ("qwen_eval", {"code": [GOOD, None]}, "code"),
        ("openr1_math", {"generations": [None, BAD]}, "generations"),
        ("rlprobe", {"completion_text": None, "completion_token_ids": None}, "completion_text"),
        ("skyrl", {"output_response": None}, "output_response"),
    ],
)
def test_a_row_without_text_or_token_ids_is_bad(tmp_path: Path, dump: str, change: dict[str, Any], source: str) -> None:
    known = next(one for one in DUMPS if one.writer == dump)
    path = Dump(dump, known.name, [known.rows[1 % len(known.rows)], known.rows[0] | change], []).write(tmp_path)
    with pytest.raises(corpus.BadLine, match=f"line 2.*: no text: {source} is null"):
        corpus.read(path)


def test_a_recording_without_text_is_read_from_its_ids(tmp_path: Path) -> None:
    rows = [
        recorded(1, GOOD, 1.0),
        recorded(2, BAD, 1.0) | {"completion_text": None, "completion_token_ids": [104, 105]},
    ]
    path = Dump("rlprobe", "samples.parquet", rows, []).write(tmp_path)
    assert corpus.read(path, decode=lambda ids: "".join(map(chr, ids))).rows["response"].to_list() == [GOOD, "hi"]
    assert corpus.inspect(path)["without_text"] == 1


def test_lighteval_before_its_columns_were_objects(tmp_path: Path) -> None:
    row = {
        "full_prompt": "Q: " + ASKED,
        "example": ASKED,
        "predictions": [GOOD, BAD],
        "gold": ["12"],
        "metrics": {"em": 1.0},
    }
    found = corpus.read(Dump("", "details_a.parquet", [row], []).write(tmp_path))
    assert found.format == "lighteval"
    assert found.rows["response"].to_list() == [GOOD, BAD]
    assert found.rows["correct"].to_list() == [None, None]
    assert found.rows["question"].to_list() == [ASKED] * 2


# ---- JSON files
def test_a_json_array_is_rows_and_a_json_file_of_lines_is_lines(tmp_path: Path) -> None:
    talk = next(dump for dump in DUMPS if dump.writer == "sharegpt")
    (tmp_path / "array.json").write_text(json.dumps(talk.rows, indent=1))
    (tmp_path / "lines.json").write_text("".join(json.dumps(row) + "\n" for row in talk.rows))
    for name in ("array.json", "lines.json"):
        result = corpus.read(tmp_path / name)
        assert (result.format, result.rows["response"].to_list()) == ("sharegpt", [read[0] for read in talk.read])
    (tmp_path / "plain.json").write_text('[{"response": "a"}, {"response": "b", "reward": 1}]')
    assert (corpus.read(tmp_path / "plain.json").format, corpus.read(tmp_path / "plain.json").kept) == ("json", 2)


def test_a_bad_entry_of_an_array_is_found_by_number_and_byte(tmp_path: Path) -> None:
    text = '[{"response": "\u00e4"}, {"response": 5}, {"response": "b", "reward": NaN}]'
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    result = corpus.read(tmp_path / "a.json", on_bad="skip", max_bad=1.0)
    assert (result.kept, result.skipped) == (1, 2)
    assert [bad["line"] for bad in result.errors] == [2, 3]
    assert result.errors[0]["offset"] == text.encode().index(b'{"response": 5')
    assert "NaN is not JSON" in result.errors[1]["reason"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"response": "a"}', "the array does not end at character 18"),
        ('[{"response": "a"} {"response": "b"}]', "a comma is missing at character 19"),
        ('[{"response": "a"}] x', "there is more after its end at character 20"),
        ('"a"', "neither an array nor an object at character 0"),
        ('{"eval": {}, "samples": [', "at character 25"),
    ],
)
def test_a_broken_json_file_is_refused_whole(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=reason):
        corpus.read(tmp_path / "a.json", on_bad="skip", max_bad=1.0)


# ---- files that are none of these
def test_a_foreign_file_is_answered_with_its_columns_the_nearest_layout_and_the_option(tmp_path: Path) -> None:
    path = Dump("", "a.jsonl", [{"generated_text": "a", "prompt": "q"}], []).write(tmp_path)
    with pytest.raises(corpus.BadLine) as caught:
        corpus.read(path)
    assert "columns found: 'generated_text', 'prompt'" in caught.value.message
    assert "the nearest known layout is plain rows" in caught.value.message
    assert caught.value.fix == "say which column holds the model's text: --map response=generated_text"
    close = Dump("", "b.jsonl", [{"input_prompt": "q", "output_answer": "a"}], []).write(tmp_path)
    with pytest.raises(corpus.BadLine, match="the nearest known layout is skyrl, which also has 'output_response'"):
        corpus.read(close)
