"""A batch of verl: shaped after its estimator, counted once, and refused where it cannot be shaped (no verl needed)."""

import dataclasses

import numpy as np
import pytest

import hicra.engines.verl.rows as of_rows
from hicra.engines.chosen import SECTION
from hicra.engines.turns import calls, truncated
from hicra.engines.verl.rows import Credit, VerlRows, numbered, verdicts
from hicra.engines.verl.section import Section
from hicra.errors import ConfigError, DataError, EngineError
from hicra.workers.threads import MOST
from tokenizers_made import Encoding

pytestmark = pytest.mark.filterwarnings("ignore:lexicon 'grams'")  # a mask that is wide or empty, in so few tokens


class Tokenizer(Encoding):  # every byte is a token of its own, so that texts are easily read off
    eos_token_id = 10  # a line end


TOKENIZER = Tokenizer(words=())


@pytest.fixture(scope="module")
def grams(tmp_path_factory):
    path = tmp_path_factory.mktemp("lexicon") / "grams.txt"
    path.write_text("let me check\n")
    return str(path)


def rows(texts, advantages, scores=None, uids=None, tool="", **changed):
    """Rollouts that end with a line end; `tool` marks characters that a tool wrote."""
    width = max(map(len, texts)) + 1
    ids = np.zeros((len(texts), width), np.int64)
    inside = np.zeros(ids.shape, np.bool_)
    for row, text in enumerate(texts):
        data = list((text + "\n").encode())
        ids[row, : len(data)], inside[row, : len(data)] = data, True
    written = inside & ~np.isin(ids, list(tool.encode()))
    base = np.where(written, np.array(advantages, np.float32)[:, None], np.float32(0))
    given = {
        "ids": ids, "inside": inside, "written": written, "live": written, "advantages": base,
        "scores": np.array([1.0, 0.0] * 9)[: len(texts)] if scores is None else np.array(scores, float),
        "verdicts": np.full(len(texts), np.nan), "uids": uids or ["p"] * len(texts),
        "last": np.ones(len(texts), np.bool_),
    }  # fmt: skip
    return VerlRows(**given | changed)


def credit(grams, **chosen):
    return Credit(Section.read({"lexicon": grams} | chosen, SECTION), TOKENIZER)


def planning(text, gram="let me check"):
    start = text.find(gram)
    return [start >= 0 and start <= at < start + len(gram) for at in range(len(text) + 1)]


def test_advantages_grow_on_planning_tokens_alone(grams):
    made = credit(grams, method="hicra", method_settings={"alpha": 0.5})
    texts = ["ab let me check", "let me check no"]
    shaped, mask = made(rows(texts, [0.5, -0.5]))
    assert mask.tolist() == [planning(text) for text in texts]
    # alpha 0.5: 0.5 + 0.5 * 0.5 = 0.75, and -0.5 + 0.5 * 0.5 = -0.25
    expected = np.where(mask, [[0.75], [-0.25]], [[0.5], [-0.5]])
    assert shaped.tolist() == expected.tolist()
    assert shaped.dtype == np.float32
    values = made.logged()
    assert values["hicra/planning_share"] == 24 / 32  # 2 x 12 of 2 x 16 tokens, the end tokens included
    assert values["hicra/changed_share"] == 24 / 32
    assert values["hicra/accuracy"] == 0.5
    # (16 x 0.5 - 16 x 0.5) / 32 before; 12 x (0.75 - 0.25) / 32 + 4 x 0 / 32 after
    assert values["hicra/advantage_mean_before"] == 0
    assert values["hicra/advantage_mean_after"] == 12 * 0.5 / 32
    assert made.logged() == {}


@pytest.mark.parametrize("chosen", [{"method": "none"}, {"method": "hicra", "method_settings": {"alpha": 0.0}}])
def test_without_strength_verls_advantages_stay_bit_for_bit(grams, chosen):
    given = rows(["ab let me check", "so"], [1 / 3, -1 / 7])
    given.advantages[1, 5:] = -0.0  # padding, as an estimator may leave it
    shaped, _ = credit(grams, **chosen)(given)
    assert shaped.tobytes() == given.advantages.tobytes()


def test_per_token_advantages_of_an_estimator_are_shaped_too(grams):
    text = "let me check it"
    given = rows([text], [0.0])
    given.advantages[0] = np.linspace(-1, 1, len(text) + 1)
    shaped, mask = credit(grams, method="hicra")(given)
    expected = given.advantages + np.where(mask, np.float32(0.2) * abs(given.advantages), 0).astype(np.float32)
    assert np.allclose(shaped, expected, rtol=1e-6)


def test_tool_output_is_no_planning_and_a_boundary(grams):
    shaped, mask = credit(grams, method="hicra")(
        rows(["let me# check", "let me check #let me check"], [1, 1], tool="#")
    )
    assert not mask[0].any()
    assert mask[1].tolist() == [at < 12 or 14 <= at < 26 for at in range(27)]
    assert (shaped[0, :13] == np.where(np.arange(13) == 6, 0, 1)).all()


def test_a_rejected_token_is_read_and_not_trained_on(grams):
    text = "let me check it"
    given = rows([text], [1.0])
    live = given.live.copy()
    live[0, 4] = False  # inside the gram, which still stands there
    made = credit(grams, method="hicra")
    shaped, mask = made(rows([text], [1.0], live=live))
    assert mask[0].tolist() == [at < 12 and at != 4 for at in range(16)]
    assert shaped[0, 4] == given.advantages[0, 4]
    assert made.logged()["hicra/planning_share"] == 11 / 15


def test_a_baseline_takes_the_place_of_the_estimator(grams):
    made = credit(grams, method="none", baseline="dr_grpo")
    given = rows(["a", "b", "cc"], [9, 9, 9], scores=[1, 0, 1], uids=["x", "y", "x"])
    shaped, _ = made(given)
    assert not shaped.any()  # in both groups all rewards are equal: x has 1 and 1, y has 0
    shaped, _ = made(rows(["a", "b", "cc"], [9, 9, 9], scores=[1, 0, 1], uids=["x", "x", "y"]))
    assert shaped.tolist() == [[0.5, 0.5, 0], [-0.5, -0.5, 0], [0, 0, 0]]


def test_a_method_that_looks_at_groups_goes_by_uid(grams):
    # p is the mean reward of a group: 1/2 in x; hicra_difficulty gives (1 + alpha (1 - 2p)) A = A there, and in y, where
    # p = 1, (1 - 0.5) A on planning tokens
    made = credit(grams, method="hicra_difficulty", method_settings={"alpha": 0.5})
    shaped, mask = made(rows(["let me check"] * 3, [1, 1, 1], scores=[1, 1, 0], uids=["x", "y", "x"]))
    assert shaped[:, :12].tolist() == [[1.0] * 12, [0.5] * 12, [1.0] * 12]
    assert mask[:, :12].all()


def test_a_rollout_of_several_trajectories_is_scored_once(grams):
    made = credit(grams, method="hicra")
    made(rows(["a", "b", "c"], [1, 1, -1], scores=[1, 1, 0], last=np.array([False, True, True])))
    assert made.logged()["hicra/accuracy"] == 0.5
    with pytest.raises(EngineError, match="several trajectories"):
        credit(grams, baseline="grpo")(rows(["a", "b"], [1, 1], last=np.array([False, True])))


def test_several_updates_of_a_step_are_pooled(grams):
    made = credit(grams, method="hicra")
    made(rows(["let me check"], [1.0], scores=[1.0]))
    made(rows(["so what is it", "so"], [1.0, 1.0], scores=[0.0, 0.0]))
    values = made.logged()
    assert values["hicra/planning_share"] == 12 / (13 + 14 + 3)
    assert values["hicra/accuracy"] == pytest.approx(1 / 3)


def test_entropies_are_shown_only_where_verl_has_them(grams):
    text = "let me check it"
    logps = np.log(np.full((1, 16), 0.5))
    made = credit(grams, method="hicra")
    made(rows([text], [1.0], logprobs=logps, entropies=np.where(np.arange(16) < 12, 2.0, 1.0)[None]))
    values = made.logged()
    assert (values["hicra/entropy_planning"], values["hicra/entropy_execution"]) == (2.0, 1.0)
    assert values["hicra/ppl_planning"] == pytest.approx(2.0)
    made(rows([text], [1.0], logprobs=logps))
    values = made.logged()
    assert not [name for name in values if "entropy_planning" in name or "entropy_execution" in name]
    assert values["hicra/ppl_execution"] == pytest.approx(2.0)
    made(rows([text], [1.0]))
    assert "hicra/ppl_execution" not in made.logged()


def test_what_a_method_needs_and_verl_lacks_is_said(grams):
    with pytest.raises(ConfigError, match="'kind_weights', which verl does not have"):
        credit(grams, method="hicra_adaptive")
    with pytest.raises(EngineError, match="needs entropies") as raised:
        credit(grams, method="entropy_advantage")(rows(["a"], [1.0]))
    assert "bypass_mode=False" in str(raised.value)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"metod": "hicra"}, "unknown config key 'hicra.metod'\n  fix: did you mean 'method'?"),
        ({"method": "hicrа"}, "hicra.method: no method 'hicrа'\n  fix: did you mean 'hicra'?"),
        (
            {"method_settings": {"alfa": 0.2}},
            "hicra.method_settings.alfa: hicra has no setting 'alfa'\n  fix: did you mean 'alpha'?",
        ),
        ({"method_settings": {"alpha": 1.5}}, "alpha is 1.5"),
        ({"baseline_settings": {"eps": 1}}, "baseline is not"),
        ({"unit": "sentense"}, "hicra.unit"),
        ({"method_then": [{"nam": "placebo"}]}, "without a name"),
        ("hicra", "no mapping"),
    ],
)
def test_a_typo_in_the_section_is_refused(tree, said):
    with pytest.raises(ConfigError) as raised:
        Section.read(tree, SECTION).assignment()
    assert said in str(raised.value)


def test_an_absent_section_has_the_defaults_of_hicra_train():
    found = Section.read(None, SECTION)
    assert found.model_dump() == Section().model_dump()
    assert (found.assignment().name, found.lexicon) == ("hicra", "paper")


def test_a_turned_sign_is_named_by_the_row_of_the_batch(grams, monkeypatch):
    monkeypatch.setattr(of_rows, "PLACES", 2)  # one row a block
    given = rows(["let me check it", "so", "no"], [1.0, -1.0, 0.5])
    entropies = np.full(given.ids.shape, 0.5)
    entropies[2, 1] = -0.5
    with pytest.raises(DataError, match=r"row 0, token 1 is -0.5, below 0 .*row 0 is here row 2 of the batch"):
        credit(grams)(dataclasses.replace(given, entropies=entropies))


# ---- blocks and threads
def many(texts, grams, **chosen):
    """What a batch of many rows gives: advantages, mask and metrics."""
    given = rows(texts, np.linspace(-1, 1, len(texts)), scores=[at % 2 for at in range(len(texts))],
                 uids=[f"p{at // 3}" for at in range(len(texts))])  # fmt: skip
    draw = np.random.default_rng(0)
    logps = -draw.random(given.ids.shape)
    given = dataclasses.replace(given, logprobs=logps, entropies=draw.random(given.ids.shape))
    made = credit(grams, **chosen)
    return (*made(given), made.logged())


@pytest.mark.parametrize("chosen", [{"method": "hicra"}, {"method": "hicra_difficulty", "baseline": "dr_grpo"}])
def test_neither_blocks_nor_threads_change_what_a_batch_gives(grams, monkeypatch, chosen):
    texts = ["let me check it", "so", "no let me check", "well let me check let me check", "a", ""] * 3
    whole = many(texts, grams, threads=1, **chosen)
    monkeypatch.setattr(of_rows, "PLACES", 80)  # two rows of 31 tokens
    for threads in (1, 4):
        shaped, mask, values = many(texts, grams, threads=threads, **chosen)
        assert shaped.tobytes() == whole[0].tobytes()
        assert mask.tobytes() == whole[1].tobytes()
        assert values == pytest.approx(whole[2], rel=1e-12)
    # six rows of 16, 3, 16, 31, 2 and 1 tokens, 69 together, hold four times the 12 letters of "let me check"; three times that
    assert values["hicra/planning_share"] == pytest.approx(4 * 12 / 69)
    assert values["hicra/mixed_groups"] == 1


def test_the_driver_uses_its_cores_whatever_ray_has_set(grams, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr("hicra.engines.verl.section.usable_cores", lambda: 3)
    assert credit(grams).threads == 3
    assert credit(grams).shaping.tagger.threads == 1  # each of the three tags a block
    assert credit(grams, baseline="grpo").shaping.tagger.threads == 3  # the whole batch at once
    assert credit(grams, threads=20).threads == 20
    monkeypatch.setattr("hicra.engines.verl.section.usable_cores", lambda: 96)
    assert credit(grams).threads == MOST


def test_an_error_says_where_in_the_batch_its_rows_are_counted_from(grams, monkeypatch):
    monkeypatch.setattr(of_rows, "PLACES", 1)  # a row a block
    given = rows(["so", "it", "is"], [1, 1, 1])
    entropies = np.ones(given.ids.shape)
    entropies[2, 1] = np.nan
    with pytest.raises(DataError, match=r"row 0, token 1 is nan .*\(row 0 is here row 2 of the batch\)"):
        credit(grams, method="entropy_advantage", threads=2)(
            dataclasses.replace(given, entropies=entropies, logprobs=-np.ones(given.ids.shape))
        )


@pytest.mark.filterwarnings("error")
def test_a_warning_is_of_the_whole_batch(grams, monkeypatch):
    monkeypatch.setattr(of_rows, "PLACES", 1)
    credit(grams)(rows(["so what is this about", "let me check"], [1, 1]))  # the first block has no planning token
    with pytest.warns(UserWarning, match=r"no token is a planning token \(25 tokens in 2 rollouts so far\)"):
        credit(grams)(rows(["so what is this about", "so"], [1, 1]))


def test_small_helpers():
    assert numbered(["b", "a", "b"]).tolist() == [1, 0, 1]
    assert np.array_equal(verdicts([True, 0, None, 0.7, float("nan")]), [1, 0, np.nan, 1, np.nan], equal_nan=True)
    assert truncated(np.zeros((1, 0), int), np.zeros((1, 0), bool), 3).tolist() == [True]
    assert calls(np.zeros((2, 0), bool)).tolist() == [0, 0]
