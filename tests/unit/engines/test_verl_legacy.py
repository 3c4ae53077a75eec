"""The call for verl's legacy trainer, on stand-ins of the data that forks of different ages hold (no verl needed)."""

from types import SimpleNamespace

import numpy as np
import pytest

from hicra.engines.verl import shape
from hicra.errors import ConfigError, EngineError
from tokenizers_made import Encoding

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:lexicon 'grams'")  # a mask that is wide or empty, in so few tokens
TEXTS = ["let me check", "so what then"]
PROMPT = 3


class Tokenizer(Encoding):
    eos_token_id = 10


TOKENIZER = Tokenizer(words=())


@pytest.fixture
def chosen(tmp_path):
    (tmp_path / "grams.txt").write_text("let me check\n")
    return {"lexicon": str(tmp_path / "grams.txt"), "method": "hicra", "method_settings": {"alpha": 0.5}}


def data(**changed):
    """The data as it leaves compute_advantage in verl 0.5: padded tensors, and ids of prompts as an array of objects."""
    ids = torch.tensor([list(text.encode()) for text in TEXTS])
    ones = torch.ones(ids.shape, dtype=torch.int64)
    batch = {
        "responses": ids, "response_mask": ones, "attention_mask": torch.ones(2, PROMPT + ids.shape[1]),
        "token_level_scores": torch.nn.functional.one_hot(ones[:, -1] * 11, 12) * torch.tensor([[1.0], [0.0]]),
        "advantages": torch.tensor([[1.0], [-1.0]]).expand(2, 12).clone(), "old_log_probs": -ones.float(),
        "entropys": ones.float(),
    }  # fmt: skip
    uids = np.array(["a", "a"], dtype=object)
    kept = {name: value for name, value in (batch | changed).items() if value is not None}
    return SimpleNamespace(batch=kept, non_tensor_batch={"uid": uids})


def test_two_lines_shape_the_batch_and_fill_the_metrics(chosen):
    given, metrics = data(), {"critic/score/mean": 0.5}
    before = given.batch["advantages"].clone()
    found = shape(given, TOKENIZER, metrics=metrics, **chosen)
    assert found is given
    mask = found.batch["planning_mask"]
    assert mask.tolist() == [[True] * 12, [False] * 12]
    # alpha 0.5: 1 + 0.5 x 1 on the planning tokens of row 0
    assert torch.equal(found.batch["advantages"], torch.where(mask, before * 1.5, before))
    assert metrics["critic/score/mean"] == 0.5
    assert metrics["hicra/planning_share"] == 0.5
    assert metrics["hicra/accuracy"] == 0.5
    assert metrics["hicra/entropy_planning"] == 1.0


def test_at_alpha_0_nothing_changes(chosen):
    given = data()
    before = given.batch["advantages"].clone()
    shape(given, TOKENIZER, **chosen | {"method_settings": {"alpha": 0.0}})
    assert torch.equal(given.batch["advantages"], before)


def test_old_versions_mark_tool_output_in_loss_mask_alone(chosen):
    loss_mask = torch.ones(2, PROMPT + 12, dtype=torch.int64)
    loss_mask[0, PROMPT + 4] = 0
    mask = shape(data(loss_mask=loss_mask), TOKENIZER, **chosen).batch["planning_mask"]
    assert not mask.any()  # the gram is cut in two


def test_forks_of_search_r1_mark_what_was_retrieved_in_info_mask_alone(chosen):
    """Their trainer makes loss_mask after the advantages; until then the attention mask covers the retrieved text too."""
    info_mask = torch.ones(2, PROMPT + 12, dtype=torch.int64)
    info_mask[0, PROMPT : PROMPT + 4] = 0  # "let " of "let me check" is not the policy's, so the gram is none
    info_mask[1, PROMPT + 9 :] = 0
    given, metrics = data(response_mask=None, info_mask=info_mask), {}
    mask = shape(given, TOKENIZER, metrics=metrics, **chosen).batch["planning_mask"]
    assert not mask.any()
    assert metrics["hicra/length"] == ((12 - 4) + 9) / 2


def test_without_a_response_mask_the_attention_mask_says_where_padding_is(chosen):
    attention = torch.ones(2, PROMPT + 12)
    attention[0, PROMPT + 8 :] = 0
    mask = shape(data(response_mask=None, attention_mask=attention), TOKENIZER, **chosen).batch["planning_mask"]
    assert not mask.any()  # "let me c" is all that the policy wrote
    mask = shape(data(response_mask=None), TOKENIZER, **chosen).batch["planning_mask"]
    assert mask[0].all()


def test_the_verdict_of_the_reward_function_counts_before_its_score(chosen):
    given, metrics = data(), {}
    given.non_tensor_batch["acc"] = np.array([True, True])
    shape(given, TOKENIZER, metrics=metrics, **chosen)
    assert metrics["hicra/accuracy"] == 1.0


def test_shaping_twice_is_refused(chosen):
    given = shape(data(), TOKENIZER, **chosen)
    with pytest.raises(EngineError, match="shaped already"):
        shape(given, TOKENIZER, **chosen)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"advantages": None}, "holds no 'advantages'"),
        ({"token_level_scores": None}, "none of token_level_scores"),
        (
            {"response_mask": None, "attention_mask": None},
            "none of response_mask, loss_mask, info_mask, attention_mask",
        ),
        ({"response_mask": torch.ones(2, 5)}, r"has shape \(2, 5\), and responses have \(2, 12\)"),
        ({"advantages": torch.ones(2)}, r"advantages has shape \(2,\)"),
    ],
)
def test_what_is_missing_or_misshapen_is_named(chosen, changed, said):
    with pytest.raises(EngineError, match=said) as raised:
        shape(data(**changed), TOKENIZER, **chosen)
    assert "after compute_advantage" in str(raised.value)


def test_uids_must_be_there_one_a_rollout(chosen):
    given = data()
    given.non_tensor_batch = {"uid": np.array(["a"], dtype=object)}
    with pytest.raises(EngineError, match="uid has 1 entries for 2 rollouts"):
        shape(given, TOKENIZER, **chosen)
    given.non_tensor_batch = {}
    with pytest.raises(EngineError, match="holds no 'uid'"):
        shape(given, TOKENIZER, **chosen)


def test_a_misspelt_argument_is_refused(chosen):
    with pytest.raises(ConfigError, match="did you mean 'method'"):
        shape(data(), TOKENIZER, **{"metod": "hicra"})
    with pytest.raises(ConfigError, match="'lexcion'\n  fix: did you mean 'lexicon'"):
        shape(data(), TOKENIZER, lexcion="paper")
