"""`hicra diagnose --attention`: what planning tokens receive, beside execution tokens that as many later tokens can see."""

import json

import numpy as np
import pytest

from hicra.diagnose.attention import BINS, ReceivedSums, attention_lines, compared


# ---- the comparison
def test_execution_tokens_are_weighted_as_planning_tokens_are_over_bins_that_hold_both():
    sums = np.zeros((1, BINS, 2, 2))
    sums[0, 0] = [[3, 6.0], [1, 1.0]]  # planning tokens receive 2 each, execution tokens 1
    sums[0, 1] = [[1, 4.0], [10, 20.0]]  # 4, and 2
    sums[0, 2] = [[5, 500.0], [0, 0]]  # nothing to compare with
    sums[0, 3] = [[0, 0], [7, 700.0]]
    planning, execution = compared(sums)
    assert planning == pytest.approx([(3 * 2 + 1 * 4) / 4])
    assert execution == pytest.approx([(3 * 1 + 1 * 2) / 4])


def test_tokens_are_put_into_bins_by_the_number_of_later_tokens_and_the_last_one_counts_for_none():
    sums = ReceivedSums()
    # later tokens: 4 3 2 1 0, so bins 2 1 1 0
    sums.add("p", np.array([1.0, 2.0, 3.0, 4.0, np.nan]), np.array([False, True, False, True, True]))
    assert sums.sums[0, :3, 0].tolist() == [[1, 4], [1, 2], [0, 0]]
    assert sums.sums[0, :3, 1].tolist() == [[0, 0], [1, 3], [1, 1]]
    figures = sums.figures()
    assert figures["received"] == {"planning": pytest.approx(2.0), "execution": pytest.approx(3.0)}
    assert figures["ratio"] == pytest.approx(2 / 3)
    assert (figures["rows"], figures["prompts"], figures["tokens"]) == (1, 1, {"planning": 2, "execution": 2})
    assert figures["ci"] is None  # of one prompt


def test_a_place_near_the_end_is_no_advantage():
    """Every token receives 8 / (later tokens); planning tokens stand in the last half, where the plain mean is larger."""
    sums = ReceivedSums()
    received = np.append(8.0 / np.arange(63, 0, -1), np.nan)
    for prompt in range(6):
        planning = np.arange(64) % 5 == 0 if prompt else np.arange(64) % 2 == 1
        planning &= np.arange(64) >= 32
        sums.add(prompt, received, planning)
    found = sums.figures()
    plain = [received[:-1][kind[:-1]].mean() for kind in (np.arange(64) >= 32, np.arange(64) < 32)]
    assert plain[0] / plain[1] > 3
    assert found["ratio"] == pytest.approx(1.0, abs=0.15)
    assert found["ci"][0] <= found["ratio"] <= found["ci"][1]


def test_the_interval_is_over_prompts_and_covers_a_ratio_that_is_known():
    rng = np.random.default_rng(0)
    sums = ReceivedSums()
    for prompt in range(40):
        for _ in range(3):
            planning = rng.random(30) < 0.3
            sums.add(prompt, np.where(planning, 1.5, 1.0) * rng.exponential(1.0, 30), planning)
    low, high = sums.figures()["ci"]
    assert 1.0 < low < 1.5 < high < 2.0


def test_nothing_to_compare_is_null():
    sums = ReceivedSums()
    sums.add("p", np.array([1.0, 2.0, np.nan]), np.zeros(3, bool))
    sums.add("q", np.array([np.nan]), np.ones(1, bool))  # one token receives nothing
    assert sums.figures() == {
        "rows": 2, "prompts": 2, "tokens": {"planning": 0, "execution": 2},
        "received": {"planning": None, "execution": None}, "ratio": None, "ci": None,
    }  # fmt: skip
    assert attention_lines([sums.figures()]) == [
        "Attention received: no planning tokens beside execution tokens that as many later tokens can see."
    ]


# ---- on rollouts, with a model
torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from hicra import Lexicon, cli  # noqa: E402
from hicra.diagnose.diagnose import diagnose  # noqa: E402
from hicra.diagnose.scoring import Scoring  # noqa: E402
from hicra.generation.attention_reading import attention_of_tokens  # noqa: E402
from scored_model import model_folder, opened  # noqa: E402

LEXICON = Lexicon.from_phrases(["let me check"])
ROWS = [
    {"question": f"What is {n}?", "response": f"Wait, let me check this {n} again, so it is {n}.", "step": n % 2}
    for n in range(12)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("model") / "plain")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def measured(rows, folder, **more):
    scoring = Scoring(str(folder), attention=True, limit=more.pop("limit", 0))
    return diagnose([rows], LEXICON, tokenizer=None, out=None, on_bad="stop", max_bad=0.01, scoring=scoring, **more)


def test_the_figures_are_those_of_the_reading_row_by_row(rows, folder):
    found = measured(rows, folder)
    model, tokenizer = opened(folder)
    sums = ReceivedSums()
    by_step = {0: ReceivedSums(), 1: ReceivedSums()}
    for row in sorted(ROWS, key=lambda one: one["step"]):
        cut = tokenizer(row["response"], add_special_tokens=False, return_offsets_mapping=True)
        [own] = attention_of_tokens(model, [tokenizer(row["question"])["input_ids"]], [cut["input_ids"]])
        begin = row["response"].index("let me check")
        planning = np.array([low < begin + len("let me check") and high > begin for low, high in cut["offset_mapping"]])
        for into in (sums, by_step[row["step"]]):
            into.add(row["question"], own, planning)
    [one], expected = found["attention"], sums.figures()
    assert one["ratio"] == pytest.approx(expected["ratio"], rel=1e-3)
    assert one["ci"] == pytest.approx(expected["ci"], rel=1e-3)
    assert (one["rows"], one["prompts"], one["tokens"]) == (12, 12, expected["tokens"])
    for step in found["steps"]:
        own = by_step[step["step"]].figures()["received"]
        assert step["hicra/attention_received_planning"] == pytest.approx(own["planning"], rel=1e-3)
        assert step["hicra/attention_received_execution"] == pytest.approx(own["execution"], rel=1e-3)
    assert found["coverage"]["hicra/attention_received_planning"] == 12


def test_rows_with_values_of_their_own_are_read_too_and_arms_stay_apart(tmp_path, folder):
    path = tmp_path / "rows.jsonl"
    _, tokenizer = opened(folder)
    rows = []
    for n, row in enumerate(ROWS):
        count = len(tokenizer(row["response"], add_special_tokens=False)["input_ids"])
        rows.append(row | {"arm": "ab"[n % 2], "entropies": [0.1] * count, "logprobs": [-0.1] * count})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = measured(path, folder, by="arm")
    assert [(one["arm"], one["rows"]) for one in found["attention"]] == [("a", 6), ("b", 6)]
    assert found["scores"]["kept"] == {"entropies": 12, "logprobs": 12}


def code_of(words):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    return ended.value.code


def test_the_option_of_the_verb(rows, folder, tmp_path, capsys):
    lexicon = tmp_path / "lexicon"
    LEXICON.save(lexicon)
    asked = ["diagnose", str(rows), "--lexicon", str(lexicon), "--model", str(folder), "--attention"]
    assert code_of(asked) == 0
    printed = capsys.readouterr().out
    assert "Attention received, where even attention is 1:" in printed
    assert "over 12 prompts." in printed
    assert code_of([*asked, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["attention"][0]) == {
        "rows", "prompts", "tokens", "received", "ratio", "ci",
    }  # fmt: skip
    assert code_of(["diagnose", str(rows), "--attention"]) == 2
    assert "--attention asks a model, and none is named" in capsys.readouterr().err


def test_without_the_option_nothing_is_said_of_it(rows, folder):
    found = diagnose(
        [rows], LEXICON, tokenizer=None, out=None, on_bad="stop", max_bad=0.01, scoring=Scoring(str(folder))
    )
    assert "attention" not in found
    assert found["steps"][0]["hicra/attention_received_planning"] is None
    assert "hicra/attention_received_planning" not in found["left_out"]
