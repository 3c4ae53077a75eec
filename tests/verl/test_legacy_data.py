"""The call for the legacy trainer, on the data class and the estimators of the verl that is installed."""

import numpy as np
import pytest
import torch
from verl import DataProto
from verl.trainer.ppo.ray_trainer import compute_advantage

from hicra.engines.verl import shape
from verl_small import GRAMS, LANGUAGE, make_tokenizer

pytestmark = pytest.mark.filterwarnings("ignore:lexicon ")
TOKENIZER = make_tokenizer()


@pytest.mark.parametrize("method", ["none", "hicra"])
def test_two_lines_after_compute_advantage(tmp_path, method):
    (tmp_path / "grams.txt").write_text("\n".join(GRAMS))
    words = LANGUAGE.split()
    ids = torch.tensor([TOKENIZER(" " + " ".join(words[at : at + 6]))["input_ids"] for at in range(4)])
    mask = torch.ones_like(ids)
    mask[3, 4:] = 0
    scores = torch.zeros(ids.shape)
    scores[:, -1] = torch.tensor([1.0, 0.0, 1.0, 0.0])
    data = DataProto.from_dict(
        tensors={
            "responses": ids, "response_mask": mask, "token_level_scores": scores, "token_level_rewards": scores,
            "old_log_probs": -torch.ones(ids.shape),
        },
        non_tensors={"uid": np.array(["p", "p", "q", "q"], dtype=object)},
    )  # fmt: skip
    data = compute_advantage(data, adv_estimator="grpo")
    plain, metrics = data.batch["advantages"].clone(), {}
    data = shape(data, TOKENIZER, lexicon=str(tmp_path / "grams.txt"), method=method, metrics=metrics)
    planning = data.batch["planning_mask"]
    said = [[TOKENIZER.decode(token).strip() for token in row] for row in ids]
    # the first row says "hold on let me recheck so": all of it is planning; the second begins with "on"
    assert said[0] == ["hold", "on", "let", "me", "recheck", "so"]
    assert planning[:2].tolist() == [[True] * 6, [False, True, True, True, True, False]]
    assert not planning[3, 4:].any()
    change = data.batch["advantages"] != plain
    assert torch.equal(change, planning & (plain != 0) if method == "hicra" else torch.zeros_like(planning))
    assert metrics["hicra/accuracy"] == 0.5
    assert len(data.select_idxs([0, 1]).batch["planning_mask"]) == 2  # it rides along when a batch is cut
