"""HICRA in one file: a small language model learns to choose the right plan. It needs torch, and nothing else.

    python examples/hicra_in_one_file.py           # HICRA with alpha = 0.2, about a minute on one core
    python examples/hicra_in_one_file.py 0         # the same with alpha = 0, which is GRPO

HICRA (Wang et al. 2025, arXiv:2509.03646) is GRPO with one line more. GRPO samples several responses to each problem and
gives every token of a response the same advantage A: its reward minus the mean reward of its group. HICRA finds the tokens
that plan the solution and gives those A + alpha * |A|, so a good plan is praised more and a bad one is blamed less.

Read from top to bottom: the task (1), the model (2), sampling (3), which tokens plan (4), advantages (5), loss (6), training (7).
Section 5 is the method; all else is what any such training needs. Letters: P problems, G responses to each, B = P * G
responses, T tokens. What this file leaves out stands at its end.
"""

import json
import sys
from itertools import product
from pathlib import Path
from random import Random

import torch
from torch.nn.functional import scaled_dot_product_attention, silu

# 1. The task. A problem is a noun, three numbers and a goal, all modulo 20. The noun decides which of six strategies (two
# operators) reaches the goal, and nobody tells the model so: it must learn to plan. Responses look like this, word by word:
#   <bos> beads 13 16 14 goal 11 :          | let us stack upwards 13 + 16 = 9 ; 9 + 14 = 3 ; 11 - 3 = 8 ; that fails
#   try another way let us dip climb 13 - 16 = 17 ; 17 + 14 = 11 ; 11 - 11 = 0 ; that works answer 11 <eos>

NOUNS = [
    "coins",
    "shells",
    "beads",
    "stones",
    "feathers",
    "buttons",
    "ribbons",
    "candles",
    "marbles",
    "acorns",
    "lanterns",
    "pebbles",
]
STRATEGIES = ["++", "+-", "-+", "--", "*+", "*-"]
OPENERS = ["let us", "we can", "i will"]
BODIES = ["keep adding", "pool everything", "stack upwards", "fill drain", "rise fall", "add remove"]
BODIES += ["drain fill", "dip climb", "remove restore", "shrink twice", "peel away", "carve off"]
BODIES += ["scale lift", "multiply up", "grow more", "stretch drop", "expand down", "widen less"]
PLANS = [f"{opener} {body}" for opener in OPENERS for body in BODIES]
REFLECTIONS = ["that works", "all good", "this fits", "that fails", "not there", "no match"]
REFLECTIONS += ["try another way", "switch the plan", "think again now", "so stop here", "best quit now", "leave it so"]
LONGEST = 57  # tokens of the longest response: two attempts


def calculate(left: int, operator: str, right: int) -> int:
    return {"+": left + right, "-": left - right, "*": left * right}[operator] % 20


def problems() -> list[tuple[str, int, int, int, int]]:
    """Every (noun, a, b, c, goal) whose goal exactly one strategy reaches: 70,784."""
    found = []
    for number, a, b, c in product(range(len(NOUNS)), range(20), range(20), range(20)):
        results = [calculate(calculate(a, first, b), second, c) for first, second in STRATEGIES]
        goal = results[number % 6]
        if results.count(goal) == 1:
            found.append((NOUNS[number], a, b, c, goal))
    return found


def prompt_of(problem: tuple[str, int, int, int, int]) -> list[str]:
    return "<bos> {} {} {} {} goal {} :".format(*problem).split()


def reward(words: list[str], problem: tuple[str, int, int, int, int]) -> float:
    """1 if the response ends in the goal, and its last attempt has the three right equations; else 0."""
    _, a, b, c, goal = problem
    starts = [at for at in range(len(words)) if " ".join(words[at : at + 4]) in PLANS]
    if not 1 <= len(starts) <= 2 or words[-3:] != ["answer", str(goal), "<eos>"] or words.count(";") > 6:
        return 0.0
    body = words[starts[-1] + 4 : -3]
    first, second = body[1:2], body[7:8]
    if not {*first, *second} <= set("+-*") or not set(body[18:]) <= set(" ".join(REFLECTIONS).split()):
        return 0.0
    middle = calculate(a, first[0], b) if first else 0
    if not second or calculate(middle, second[0], c) != goal:
        return 0.0
    right = f"{a} {first[0]} {b} = {middle} ; {middle} {second[0]} {c} = {goal} ; {goal} - {goal} = 0 ;"
    return float(" ".join(body[:18]) == right)


# 2. The model: a Llama of three layers and 344,352 numbers. It was trained on demonstrations that calculate well and nearly
# always take the first strategy, and is part of the package ("strong"). Training it takes longer than all of this file.

START = Path(__file__).parents[1] / "src/hicra/tasks/plan_execute/warmstarts/strong"
LAYERS, HEADS = 3, 4


def load(folder: Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The weights by name, and the vocabulary: every word is one token. A .safetensors file is a header and the numbers."""
    data = (folder / "model.safetensors").read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    weights = {}
    for name, about in json.loads(data[8:begin]).items():
        if name != "__metadata__":
            low, high = (begin + offset for offset in about["data_offsets"])
            flat = torch.frombuffer(bytearray(data[low:high]), dtype=torch.float32)
            weights[name] = flat.reshape(about["shape"]).requires_grad_()
    words = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    return weights, sorted(words, key=words.get)


def norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return weight * x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()


def rotate(x: torch.Tensor, past: int) -> torch.Tensor:
    """Turns each pair of numbers of x [B,H,T,D] by an angle that grows with the place of the token (RoPE)."""
    half = x.shape[-1] // 2
    speed = 10000.0 ** (-torch.arange(half) / half)
    angle = (past + torch.arange(x.shape[2]))[:, None] * speed
    left, right = x[..., :half], x[..., half:]
    return torch.cat([left * angle.cos() - right * angle.sin(), right * angle.cos() + left * angle.sin()], -1)


def logits_of(weights: dict[str, torch.Tensor], ids: torch.Tensor, cache: dict | None = None) -> torch.Tensor:
    """The logits [B,T,V] of the token after each of ids [B,T]; `cache` remembers keys and values of the tokens before."""
    past = cache[0][0].shape[2] if cache else 0
    x = weights["model.embed_tokens.weight"][ids]
    for layer in range(LAYERS):
        w = {name.split(f"layers.{layer}.")[-1]: one for name, one in weights.items()}
        h = norm(x, w["input_layernorm.weight"])
        q, k, v = (
            (h @ w[f"self_attn.{name}_proj.weight"].T).unflatten(-1, (HEADS, -1)).transpose(1, 2) for name in "qkv"
        )
        q, k = rotate(q, past), rotate(k, past)
        if cache is not None:
            if past:
                k, v = torch.cat([cache[layer][0], k], 2), torch.cat([cache[layer][1], v], 2)
            cache[layer] = (k, v)
        mixed = scaled_dot_product_attention(q, k, v, is_causal=past == 0)  # a single new token may look at all others
        x = x + mixed.transpose(1, 2).flatten(2) @ w["self_attn.o_proj.weight"].T
        h = norm(x, w["post_attention_layernorm.weight"])
        inner = silu(h @ w["mlp.gate_proj.weight"].T) * (h @ w["mlp.up_proj.weight"].T)
        x = x + inner @ w["mlp.down_proj.weight"].T
    return norm(x, weights["model.norm.weight"]) @ weights["model.embed_tokens.weight"].T


# 3. Sampling, at temperature 1. All prompts have 8 tokens, so nothing needs padding on the left.


@torch.no_grad()
def sample(weights: dict[str, torch.Tensor], prompts: torch.Tensor, end: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Responses [B,T] to prompts [B,8], and their mask [B,T]: True up to the end token, which belongs to the response."""
    cache: dict = {}
    logits, ids, masks = logits_of(weights, prompts, cache), [], []
    live = torch.ones(len(prompts), dtype=torch.bool)
    while live.any() and len(ids) < LONGEST:
        ids.append(torch.multinomial(logits[:, -1].softmax(-1), 1))
        masks.append(live)
        live = live & (ids[-1][:, 0] != end)
        logits = logits_of(weights, ids[-1], cache)
    return torch.cat(ids, 1), torch.stack(masks, 1)


# 4. Which tokens plan? Those inside a strategic gram: a phrase that steers a solution. The paper mines such phrases from right
# solutions (`hicra mine`). Here we know them, since the task is ours: its plans and its reflections.

GRAMS = [gram.split() for gram in PLANS + REFLECTIONS]


def planning_mask(words: list[list[str]], width: int) -> torch.Tensor:
    """True on the tokens inside a gram, [B,width]; here every word is one token. Overlapping grams all count."""
    mask = torch.zeros(len(words), width, dtype=torch.bool)
    for row, response in enumerate(words):
        for at, gram in product(range(len(response)), GRAMS):
            if response[at : at + len(gram)] == gram:
                mask[row, at : at + len(gram)] = True
    return mask


# 5. Advantages: the method.


def group_advantages(rewards: torch.Tensor) -> torch.Tensor:
    """A = R - mean of the group: rewards [P,G] to advantages [P*G]. A group of equal rewards teaches nothing: A is 0."""
    return (rewards.double() - rewards.double().mean(1, keepdim=True)).flatten().float()


def hicra(advantages: torch.Tensor, planning: torch.Tensor, alpha: float) -> torch.Tensor:
    """A + alpha |A| on planning tokens, A on all others: [B] and a mask [B,T] to [B,T].

    With alpha = 0.2 a planning token of a good response (A = 0.5) gets 0.6, and one of a bad response (A = -0.5) gets -0.4.
    """
    wide = advantages[:, None].expand(planning.shape)
    return torch.where(planning, wide + alpha * wide.abs(), wide)


# 6. The loss of a token, -min(r A, clip(r) A), where r is its probability now over that when it was sampled.


def loss_of(logps: torch.Tensor, old: torch.Tensor, advantages: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean over all response tokens. With one update a batch r is 1, and the clip would only act from a second one on."""
    r = (logps - old).exp()
    losses = -torch.minimum(r * advantages, r.clamp(1 - 0.2, 1 + 0.28) * advantages)
    return (losses * mask).sum() / mask.sum()


# 7. Training.


def train(alpha: float = 0.2, steps: int = 30, P: int = 32, G: int = 8, seed: int = 0) -> list[float]:
    """Trains the model and returns the mean reward of each step; no problem comes twice, so each is new to the policy."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # for so small a model one thread is fastest
    weights, vocabulary = load(START)
    number = {word: at for at, word in enumerate(vocabulary)}
    optimizer = torch.optim.AdamW(weights.values(), lr=6e-4, weight_decay=0.0)
    drawn = Random(seed).sample(problems(), steps * P)
    history = []
    print("step  reward  groups that teach  planning tokens")
    for step in range(steps):
        asked = [problem for problem in drawn[step * P : (step + 1) * P] for _ in range(G)]  # [B]
        prompts = torch.tensor([[number[word] for word in prompt_of(problem)] for problem in asked])  # [B,8]
        ids, mask = sample(weights, prompts, number["<eos>"])  # [B,T]
        words = [[vocabulary[one] for one in row[:size]] for row, size in zip(ids, mask.sum(1), strict=True)]
        rewards = torch.tensor([reward(*pair) for pair in zip(words, asked, strict=True)]).view(P, G)
        planning = planning_mask(words, ids.shape[1])
        advantages = hicra(group_advantages(rewards), planning, alpha)
        logits = logits_of(weights, torch.cat([prompts, ids], 1))[:, prompts.shape[1] - 1 : -1]
        logps = logits.log_softmax(-1).gather(-1, ids[..., None])[..., 0]  # [B,T]
        optimizer.zero_grad()
        loss_of(logps, logps.detach(), advantages, mask).backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        optimizer.step()
        history.append(rewards.mean().item())
        mixed, share = (rewards.std(1) > 0).sum().item(), planning.sum() / mask.sum()
        print(f"{step + 1:4d}  {history[-1]:6.3f}  {mixed:11d} of {P}  {share:15.3f}", flush=True)
    return history


if __name__ == "__main__":
    train(*(float(argument) for argument in sys.argv[1:2]))

# Left out, and to be found in hicra: mining the grams, byte-exact tagging of real tokenizers, tools and several turns, groups
# with unscorable responses, other baselines, shapers and losses, evaluation on held-out problems, intervals over seeds (one run
# shows nothing of which method is better: docs/study.md), and training real models with TRL, verl and other libraries.
