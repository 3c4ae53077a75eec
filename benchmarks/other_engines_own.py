"""One engine's own functions around hicra, for other_engines.py: `python other_engines_own.py ENGINE CHECKOUT` prints JSON.

Every engine gets the same eight rollouts of four prompts, in its own types. Modules that it imports and that are not there are
empty ones; a class of it whose module imports Ray or DeepSpeed is taken out of its file alone.
"""

from __future__ import annotations

import ast
import asyncio
import enum
import importlib
import json
import re
import sys
import tempfile
import types
import typing
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import SimpleNamespace as Bag
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

import hicra.engines
from hicra import Lexicon, Tagger
from tokenizers_made import byte_level

PROMPTS = ["why", "why", "what is it", "what is it", "x " * 30, "x " * 30, "how", "how"]
TEXTS = [
    "so it is two", "it is what it is", "let me check that it is two so it is " * 4, "it is", "it is so",
    "we can use the fact that", "x = 12, but let's verify it", "okay, so we need to find the answer",
]  # fmt: skip
REWARDS = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]
GROUPS = [0, 0, 1, 1, 2, 2, 3, 3]
TOKENIZER = byte_level()
IDS = [(TOKENIZER.encode(prompt).ids, TOKENIZER.encode(text).ids) for prompt, text in zip(PROMPTS, TEXTS, strict=True)]
TAGGER = Tagger(Lexicon.load("paper"), TOKENIZER)
Rows = list[list[float]]  # an advantage for each token of each response


def planning() -> list[list[bool]]:
    """The planning tokens of each response, found without any adapter."""
    import numpy as np

    return [TAGGER.mask(np.array([row]), np.ones((1, len(row)), bool))[0].tolist() for _, row in IDS]


def compared(own: Rows, zero: Rows, shaped: Rows, first: int = 0) -> dict[str, Any]:
    """Says whether alpha 0 gives the engine's own advantages, and whether alpha 0.2 changes exactly those of planning tokens.

    Args:
        own, zero, shaped: the engine's own, with alpha 0 and with alpha 0.2.
        first: the first token of a response that the engine trains on.
    """
    changed, expected = [], []
    for row, before, after in zip(planning(), own, shaped, strict=True):
        changed += [one != other for one, other in zip(before[first:], after[first:], strict=True)]
        expected += [tagged and one != 0 for tagged, one in zip(row[first:], before[first:], strict=True)]
    return {
        "alpha_0_is_its_own": own == zero, "changed_tokens": sum(changed),
        "exactly_the_planning_tokens": any(expected) and changed == expected,
    }  # fmt: skip


# ---- what is not there
def empty(*names: str, **paths: Path) -> None:
    """Makes modules that hold whatever is asked of them, and packages that are looked for in a folder without their __init__."""

    def made(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})

    for name in names:
        module = types.ModuleType(name)
        module.__path__ = []
        module.__getattr__ = made  # type: ignore[method-assign]
        sys.modules[name] = module
    for name, folder in paths.items():
        module = types.ModuleType(name.replace("__", "."))
        module.__path__ = [str(folder)]
        sys.modules[module.__name__] = module


def taken(file: Path, names: Iterable[str], given: dict[str, Any], inside: str = "") -> dict[str, Any]:
    """Runs definitions of a file alone; `inside` names the class that holds them."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    if inside:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == inside)
    wanted = [node for node in body if getattr(node, "name", None) in set(names)]
    space = {name: getattr(typing, name) for name in ("Any", "List", "Optional", "Tuple", "Union")} | given
    exec(compile(ast.Module(wanted, []), str(file), "exec"), space)  # noqa: S102  the engine's own code, on its own types
    return space


def block_of(page: str, given: dict[str, Any]) -> dict[str, Any]:
    """Runs the code block of a page of docs/engines/ as it stands."""
    text = (ROOT / "docs" / "engines" / f"{page}.md").read_text(encoding="utf-8")
    source = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]
    space = dict(given)
    exec(compile(source, f"{page}.md", "exec"), space)  # noqa: S102  the page of this project
    return space


def with_alpha(alpha: float) -> dict[str, Any]:
    """Settings of the default method; the function that pages import gets them as well."""
    real = getattr(with_alpha, "real", None) or hicra.engines.shape_rollouts
    with_alpha.real = real  # type: ignore[attr-defined]
    hicra.engines.shape_rollouts = partial(real, method_settings={"alpha": alpha})
    return {"alpha": alpha}


# ---- the engines
def slime(checkout: Path) -> dict[str, Any]:
    """Context parallelism of 1, 2 and 4: all ranks together hold the tokens of each response."""
    sys.path.insert(0, str(checkout))
    empty("megatron", "megatron.core", "megatron.core.mpu", "slime.utils.http_utils")
    import torch

    mpu = sys.modules["megatron.core.mpu"]
    sys.modules["megatron.core"].mpu = mpu
    mpu.is_pipeline_last_stage = lambda: True
    mpu.get_context_parallel_world_size, mpu.get_context_parallel_rank = (lambda: 1), (lambda: 0)
    cut = importlib.import_module("slime.backends.megatron_utils.cp_utils").slice_log_prob_with_cp
    compute = importlib.import_module("slime.backends.megatron_utils.loss").compute_advantages_and_returns
    folder = Path(tempfile.mkdtemp())
    TOKENIZER.save(str(folder / "tokenizer.json"))
    lengths = [(len(prompt + row), len(row)) for prompt, row in IDS]

    def advantages(path: str | None, alpha: float, size: int) -> Rows:
        whole: Rows = [[float("nan")] * len(row) for _, row in IDS]
        for rank in range(size):
            mpu.get_context_parallel_world_size, mpu.get_context_parallel_rank = (
                (lambda: size),
                (lambda rank=rank: rank),
            )
            data = {
                "tokens": [torch.tensor(prompt + row) for prompt, row in IDS], "rewards": [one - 0.5 for one in REWARDS],
                "loss_masks": [torch.ones(length, dtype=torch.int) for _, length in lengths],
                "total_lengths": [total for total, _ in lengths], "response_lengths": [length for _, length in lengths],
                "log_probs": [cut(torch.zeros(length), total, length) for total, length in lengths],
            }  # fmt: skip
            args = Bag(
                use_rollout_logprobs=False, kl_coef=0.0, kl_loss_type="k1", custom_advantage_function_path=path, use_opd=False,
                advantage_estimator="grpo", normalize_advantages=False, hf_checkpoint=str(folder),
                hicra={"method_settings": {"alpha": alpha}},
            )  # fmt: skip
            compute(args, data)
            for row, (values, (total, length)) in enumerate(zip(data["advantages"], lengths, strict=True)):
                for place, value in zip(
                    cut(torch.arange(length), total, length).tolist(), values.tolist(), strict=True
                ):
                    whole[row][place] = value
        return whole

    path = "hicra.engines.slime.shape"
    found = [compared(advantages(None, 0, n), advantages(path, 0.0, n), advantages(path, 0.2, n)) for n in (1, 2, 4)]
    return {
        **found[0],
        **{key: all(one[key] for one in found) for key in ("alpha_0_is_its_own", "exactly_the_planning_tokens")},
    }


def rllm(checkout: Path) -> dict[str, Any]:
    sys.path.insert(0, str(checkout))
    empty(rllm__trainer=checkout / "rllm" / "trainer", rllm__workflows=checkout / "rllm" / "workflows")
    ended = types.ModuleType("rllm.workflows.workflow")
    ended.TerminationReason = enum.Enum("TerminationReason", {"UNKNOWN": "unknown"})
    sys.modules[ended.__name__] = ended
    types_of = importlib.import_module("rllm.types")
    config = importlib.import_module("rllm.trainer.algorithms.config")
    group = importlib.import_module("rllm.trainer.algorithms.transform").transform_episodes_to_trajectory_groups
    collect = importlib.import_module(
        "rllm.trainer.algorithms.advantage"
    ).collect_reward_and_advantage_from_trajectory_groups
    from hicra.engines.rllm import grouping_hook

    def advantages(alpha: float | None) -> Rows:
        episodes = [
            types_of.Episode(id=f"t{task}:{number}", trajectories=[
                types_of.Trajectory(name="solver", reward=reward, steps=[types_of.Step(response_ids=row)])
            ])
            for number, ((_, row), reward, task) in enumerate(zip(IDS, REWARDS, GROUPS, strict=True))
        ]  # fmt: skip
        hook = (
            {}
            if alpha is None
            else {"traj_grouping_hook": grouping_hook(TOKENIZER, "paper", method_settings={"alpha": alpha})}
        )
        groups, _ = group(episodes, config.TransformConfig(), None, **hook)
        collect(groups, config.AlgorithmConfig(
            use_precomputed_advantage=alpha is not None, norm_adv_by_std_in_grpo=False, stepwise_advantage_mode="broadcast",
            estimator=config.rLLMAdvantageEstimator.GRPO,
        ))  # fmt: skip
        steps = [one.trajectories[0].steps[0] for one in episodes]
        return [
            one.advantage if isinstance(one.advantage, list) else [one.advantage] * len(one.response_ids)
            for one in steps
        ]

    return compared(advantages(None), advantages(0.0), advantages(0.2))


def skyrl(checkout: Path) -> dict[str, Any]:
    import logging

    import numpy as np
    import torch

    inner = checkout / "skyrl"
    empty("skyrl.train.config", "skyrl.backends.skyrl_train.utils.off_policy_correction_utils")
    for name in (
        "", "train", "train.dataset", "backends", "backends.skyrl_train", "backends.skyrl_train.utils",
        "backends.skyrl_train.distributed", "backends.skyrl_train.distributed.megatron",
    ):  # fmt: skip
        empty(**{"skyrl" + "".join(f"__{part}" for part in name.split(".") if part): inner / name.replace(".", "/")})
    tensors = importlib.import_module("skyrl.train.dataset.preprocess").convert_prompts_responses_to_batch_tensors
    batches = importlib.import_module("skyrl.backends.skyrl_train.training_batch")
    ppo_utils = importlib.import_module("skyrl.backends.skyrl_train.utils.ppo_utils")
    own = taken(inner / "train" / "trainer.py", ["compute_advantages_and_returns"], {
        "torch": torch, "np": np, "ppo_utils": ppo_utils, "logger": logging.getLogger("skyrl"),
        "TrainingInputBatch": batches.TrainingInputBatch,
    }, inside="RayPPOTrainer")  # fmt: skip
    from hicra.engines.skyrl import HicraSkyRL

    class RayPPOTrainer:
        def __init__(self) -> None:
            self.tokenizer, self.all_metrics = TOKENIZER, {}
            algorithm = Bag(advantage_estimator="grpo", gamma=1.0, lambd=1.0, grpo_norm_by_std=True)
            self.cfg = Bag(generator=Bag(step_wise_trajectories=False), trainer=Bag(algorithm=algorithm))

        compute_advantages_and_returns = own["compute_advantages_and_returns"]

    def advantages(trainer: Any) -> Rows:
        rewards = [[0.0] * (len(row) - 1) + [reward] for (_, row), reward in zip(IDS, REWARDS, strict=True)]
        prompts, responses = ([one[part] for one in IDS] for part in (0, 1))
        made = tensors(0, prompts, responses, rewards, [[1] * len(row) for row in responses])
        names = ("sequences", "attention_mask", "response_mask", "rewards", "loss_mask")
        batch = batches.TrainingInputBatch({**dict(zip(names, made, strict=False)), "values": None})
        batch.metadata = {"uids": [str(one) for one in GROUPS], "avg_response_length": 1.0}
        found = trainer.compute_advantages_and_returns(batches.pad_training_input_batch(batch, 3))["advantages"]
        return [found[number, -len(row) :].tolist() for number, (_, row) in enumerate(IDS)]

    def mine(alpha: float) -> Any:
        return type("Mine", (HicraSkyRL, RayPPOTrainer), {"hicra": {"method_settings": {"alpha": alpha}}})()

    return compared(advantages(RayPPOTrainer()), advantages(mine(0.0)), advantages(mine(0.2)))


def tinker(checkout: Path) -> dict[str, Any]:
    from dataclasses import make_dataclass

    inner = checkout / "tinker_cookbook"
    empty("tinker_cookbook.tokenizer_utils", "tinker_cookbook.completers")
    written = make_dataclass("TokensWithLogprobs", ["tokens", "logprobs"])
    sys.modules["tinker_cookbook.completers"].TokensWithLogprobs = written
    empty(
        **{
            "__".join(["tinker_cookbook", *part]): inner.joinpath(*part)
            for part in ((), ("rl",), ("supervised",), ("utils",))
        }
    )
    client = importlib.import_module("tinker")
    data = importlib.import_module("tinker_cookbook.rl.data_processing")
    kinds = importlib.import_module("tinker_cookbook.rl.types")

    def trajectory(prompt: list[int], row: list[int]) -> Any:
        step = kinds.Transition(
            ob=client.ModelInput.from_ints(prompt), ac=written(row, [-0.5] * len(row)), reward=0.0, episode_done=True
        )
        return kinds.Trajectory(transitions=[step], final_ob=client.ModelInput.from_ints([1]))

    groups = [
        kinds.TrajectoryGroup([trajectory(*IDS[at]), trajectory(*IDS[at + 1])], REWARDS[at : at + 2], [{}, {}])
        for at in range(0, len(IDS), 2)
    ]
    given = {
        "trajectory_groups_P": groups, "advantages_P": data.compute_advantages(groups), "tokenizer": TOKENIZER,
        "assemble_training_data": data.assemble_training_data,
    }  # fmt: skip

    def advantages(alpha: float | None) -> Rows:
        if alpha is None:
            found, _ = data.assemble_training_data(groups, given["advantages_P"])
        else:
            with_alpha(alpha)
            found = block_of("tinker", given)["data_D"]
        values = [one.loss_fn_inputs["advantages"].to_torch().tolist() for one in found]
        return [own[-len(row) :] for own, (_, row) in zip(values, IDS, strict=True)]

    return compared(advantages(None), advantages(0.0), advantages(0.2))


def prime_rl(checkout: Path) -> dict[str, Any]:
    empty(
        "verifiers", "verifiers.v1", "prime_rl", "prime_rl.orchestrator", "prime_rl.configs", "prime_rl.configs.algorithm",
        "prime_rl.transports", "prime_rl.transports.rollouts", "prime_rl.utils", "prime_rl.utils.client", "prime_rl.utils.logger",
    )  # fmt: skip
    sys.modules["verifiers"].v1 = sys.modules["verifiers.v1"]
    empty(prime_rl__orchestrator__algo=checkout / "src" / "prime_rl" / "orchestrator" / "algo")
    algo = "prime_rl.orchestrator.algo"
    given = {
        "GRPOAlgorithm": importlib.import_module(f"{algo}.grpo").GRPOAlgorithm, "tokenizer": TOKENIZER,
        "iter_trainable_traces": importlib.import_module(f"{algo}.base").iter_trainable_traces,
        "assign_advantages": importlib.import_module(f"{algo}.routing").assign_advantages,
    }  # fmt: skip

    def advantages(alpha: float | None) -> Rows:
        with_alpha(alpha or 0.0)
        kind = given["GRPOAlgorithm"] if alpha is None else block_of("prime-rl", given)["HicraAlgorithm"]
        traces = [
            Bag(id=str(number), has_error=False, agent=Bag(trainable=True), reward=reward, nodes=[
                Bag(token_ids=prompt + row, mask=[False] * len(prompt) + [True] * len(row), advantages=None)
            ])
            for number, ((prompt, row), reward) in enumerate(zip(IDS, REWARDS, strict=True))
        ]  # fmt: skip
        for at in range(0, len(traces), 2):
            episodes = [Bag(traces=[one]) for one in traces[at : at + 2]]
            asyncio.run(kind(Bag(length_penalty=None), None).score_group(episodes))
        return [one.nodes[0].advantages for one in traces]

    return compared(advantages(None), advantages(0.0), advantages(0.2))


def openrlhf(checkout: Path) -> dict[str, Any]:
    import itertools

    import torch

    inner = checkout / "openrlhf"
    reward = taken(inner / "models" / "utils.py", ["compute_reward"], {"torch": torch})["compute_reward"]
    given = {
        "torch": torch, "itertools": itertools, "compute_reward": reward, "Experience": object,
        "apply_length_penalties": lambda *given: None,
    }  # fmt: skip
    names = ("compute_advantages_and_returns", "get_cumulative_returns")
    own = taken(inner / "trainer" / "ppo_utils" / "experience_maker.py", names, given, inside="RemoteExperienceMaker")

    class RemoteExperienceMaker:
        def __init__(self) -> None:
            self.tokenizer, self.kl_ctl, self.advantage_estimator = TOKENIZER, Bag(value=0.0), "dr_grpo"
            algo = Bag(advantage=Bag(estimator="dr_grpo", gamma=1.0, no_std_norm=True))
            self.strategy = Bag(args=Bag(rollout=Bag(n_samples_per_prompt=2), algo=algo, reward=Bag(clip_range=None)))

        compute_advantages_and_returns = own["compute_advantages_and_returns"]
        get_cumulative_returns = own["get_cumulative_returns"]

    def advantages(kind: Any) -> Rows:
        parts, found = ([5, 0, 3], [1, 2, 4, 6, 7]), {}  # OpenRLHF sorts by length, and remembers each one's index
        experiences = []
        for part in parts:
            total = max(len(IDS[at][0] + IDS[at][1]) for at in part)
            sequences, mask = torch.zeros(len(part), total, dtype=torch.long), torch.zeros(len(part), total - 1)
            for row, at in enumerate(part):
                prompt, response = IDS[at]
                sequences[row, : len(prompt + response)] = torch.tensor(prompt + response)
                mask[row, len(prompt) - 1 : len(prompt + response) - 1] = 1
            rewards = torch.tensor([REWARDS[at] for at in part])
            experiences.append(
                Bag(
                    sequences=sequences,
                    action_mask=mask,
                    rewards=rewards,
                    index=part,
                    info={},
                    kl=mask * 0,
                    values=None,
                )
            )
        for one in kind().compute_advantages_and_returns(experiences):
            for row, at in enumerate(one.index):
                found[at] = one.advantages[row][one.action_mask[row] > 0].tolist()
        return [found[at] for at in range(len(IDS))]

    def mine(alpha: float) -> Any:
        with_alpha(alpha)
        return block_of("openrlhf", {"RemoteExperienceMaker": RemoteExperienceMaker})["HicraExperienceMaker"]

    return compared(advantages(RemoteExperienceMaker), advantages(mine(0.0)), advantages(mine(0.2)))


def nemo_rl(checkout: Path) -> dict[str, Any]:
    import torch

    inner = checkout / "nemo_rl" / "algorithms"
    compute = taken(inner / "utils.py", ["calculate_baseline_and_std_per_prompt"], {"torch": torch})
    given = compute | {"torch": torch, "AdvEstimatorConfig": object, "ClippedPGLossConfig": object}
    kind = taken(inner / "advantage_estimator.py", ["GRPOAdvantageEstimator"], given)["GRPOAdvantageEstimator"]
    width = max(len(prompt + row) for prompt, row in IDS)
    ids, mask = torch.zeros(len(IDS), width, dtype=torch.long), torch.zeros(len(IDS), width)
    prompts = torch.zeros(len(IDS), max(len(prompt) for prompt, _ in IDS), dtype=torch.long)
    for number, (prompt, row) in enumerate(IDS):
        ids[number, : len(prompt + row)] = torch.tensor(prompt + row)
        mask[number, len(prompt) : len(prompt + row)] = 1
        prompts[number, : len(prompt)] = torch.tensor(prompt)
    rewards, estimator = torch.tensor(REWARDS), kind(Bag(use_leave_one_out_baseline=True, normalize_rewards=True), None)

    def advantages(alpha: float | None) -> Rows:
        data = {"input_ids": ids, "advantages": estimator.compute_advantage(prompts, rewards, mask)}
        if alpha is not None:
            with_alpha(alpha)
            block_of("nemo-rl", {
                "train_data": data, "mask": mask, "rewards": rewards, "prompt_ids_for_adv": prompts, "tokenizer": TOKENIZER,
            })  # fmt: skip
        return [row[policy > 0].tolist() for row, policy in zip(data["advantages"], mask, strict=True)]

    return compared(advantages(None), advantages(0.0), advantages(0.2))


def mlx(checkout: Path) -> dict[str, Any]:
    """Its loss and gradient beside the advantages, which are those of the second token on."""
    import mlx.core as mx
    import mlx.nn as nn

    file = checkout / "mlx_lm_lora" / "trainer" / "grpo_trainer.py"
    changed = Path(tempfile.mkdtemp()) / "grpo_trainer.py"
    changed.write_text(
        file.read_text(encoding="utf-8").replace("advantages.reshape(-1, 1)", "advantages"), encoding="utf-8"
    )
    names, libraries = ("grpo_loss", "get_per_token_logps", "compute_log_importance_weights"), {"mx": mx, "nn": nn}
    own, mine = (taken(one, names, libraries)["grpo_loss"] for one in (file, changed))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside, self.out = nn.Embedding(600, 16), nn.Linear(16, 600)

        def __call__(self, ids: Any) -> Any:
            return self.out(self.inside(ids))

    mx.random.seed(0)
    model, reference, completions = Model(), Model(), [mx.array(row) for _, row in IDS]
    known = mx.array([reward - 0.5 for reward in REWARDS])

    def step(loss: Callable[..., Any], advantages: Any) -> list[float]:
        def of(policy: Any) -> Any:
            return loss(
                policy, reference, None, completions=completions, batch_indices=GROUPS, advantages=advantages, reward_metrics={},
                beta=0.1, epsilon=0.2, max_tokens=64,
            )[0]  # fmt: skip

        value, gradient = nn.value_and_grad(model, of)(model)
        return [value.item(), *gradient["out"]["weight"].flatten().tolist()]

    def per_token(alpha: float) -> Any:
        with_alpha(alpha)
        given = {"advantages": known, "ordered_completions": completions, "tokenizer": TOKENIZER}
        return block_of("mlx", given)["advantages"]

    def rows(values: Any) -> Rows:
        return [
            [first, *own[: len(row) - 1]]
            for first, own, (_, row) in zip(known.tolist(), values.tolist(), IDS, strict=True)
        ]

    found = compared(
        [[one] * len(row) for one, (_, row) in zip(known.tolist(), IDS, strict=True)],
        rows(per_token(0.0)),
        rows(per_token(0.2)),
        first=1,
    )
    same = step(own, known) == step(mine, per_token(0.0))
    return found | {"alpha_0_is_its_own": found["alpha_0_is_its_own"] and same}


ENGINES = {one.__name__: one for one in (slime, rllm, skyrl, tinker, prime_rl, openrlhf, nemo_rl, mlx)}


def main() -> int:
    name, checkout = sys.argv[1:]
    try:
        found = ENGINES[name](Path(checkout))
    except ImportError as error:
        found = {"left_out": f"a package is missing: {error}"}
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
