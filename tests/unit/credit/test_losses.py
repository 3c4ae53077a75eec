"""Losses: numbers and gradients worked out by hand, what holds for every loss, and where losses are one and the same."""

import math

import numpy as np
import pytest

from hicra import credit
from hicra.credit.loss import Loss, averaged
from hicra.credit.losses.future import discounted
from hicra.errors import ConfigError, DataError, MissingField

MASK = np.array([[1, 1, 0], [1, 1, 1]], bool)
RATIO = np.array([[1.5, 0.5, 9.0], [1.5, 0.5, 1.0]])
A = np.array([[1.0, 1.0, 5.0], [-1.0, -1.0, -1.0]])
OLD = np.full((2, 3), -1.0)
LOGPS = OLD + np.log(RATIO)  # log 1.5 = 0.405465, log 0.5 = -0.693147
H = {"entropies": np.array([[1.0, 2.0, 99.0], [3.0, 0.0, 0.5]])}
MEANS = ("tokens", "responses", "constant")


def by_token(name, advantages=A, **settings):
    """The losses and their gradients by logps, of the policy tokens alone, row after row."""
    torch = pytest.importorskip("torch")
    logps, moving = torch.tensor(LOGPS, requires_grad=True), torch.tensor(H["entropies"], requires_grad=True)
    losses = credit.LOSSES[name].tokens(logps, OLD, advantages, MASK, {"entropies": moving}, **settings)
    exact = credit.LOSSES[name].tokens(LOGPS, OLD, advantages, MASK, H, **settings)
    assert losses.detach().numpy() == pytest.approx(exact)  # the gradient apart, numpy and torch agree
    losses[torch.tensor(MASK)].sum().backward()
    return exact[MASK], logps.grad.numpy()[MASK]


# ---- by hand: (settings, losses, gradients) of the five policy tokens, ratios 1.5, 0.5 | 1.5, 0.5, 1 and A 1, 1 | -1, -1, -1
BY_HAND = {
    # clipped to 0.8 .. 1.28: -min(1.5, 1.28), -min(0.5, 0.8) | -min(-1.5, -1.28), -min(-0.5, -0.8), 1; gradient -r A or 0
    "clip": ({}, [-1.28, -0.5, 1.5, 0.8, 1], [0, -0.5, 1.5, 0, 1]),
    # the third of them costs at most 1.4
    "dual_clip": ({"c": 1.4}, [-1.28, -0.5, 1.4, 0.8, 1], [0, -0.5, 0, 0, 1]),
    # less 0.1 of the entropies 1, 2 | 3, 0, 0.5
    "entropy_regularised": ({"coefficient": 0.1}, [-1.38, -0.7, 1.2, 0.8, 0.95], [0, -0.5, 1.5, 0, 1]),
    # mean A = -0.2; log-probabilities -0.594535, -1.693147 | -0.594535, -1.693147, -1, mean -1.115073. So cov is
    # 1.2 * 0.520538 = 0.624646, -0.693689 | -0.8 * 0.520538 = -0.416430, 0.462459, -0.092058: only the first lies in (0.5, 1)
    "clip_cov": ({"share": 1.0, "low": 0.5, "high": 1.0}, [0, -0.5, 1.5, 0.5, 1], [0, -0.5, 1.5, 0.5, 1]),
    # one of five tokens, that with cov 0.624646: -1.5 + 2 * 0.405465, gradient -1.5 + 2
    "kl_cov": ({"share": 0.2, "weight": 2.0}, [-0.68907, -0.5, 1.5, 0.5, 1], [0.5, -0.5, 1.5, 0.5, 1]),
    # weights 1.2, 0.5 | 1.2, 0.5, 1 times -A log pi: 1.2 * 0.594535, 0.5 * 1.693147 | -0.713442, -0.846574, -1
    "cispo": ({"clip_high": 0.2}, [0.713442, 0.846574, -0.713442, -0.846574, -1], [-1.2, -0.5, 1.2, 0.5, 1]),
    # s = sqrt(0.75) = 0.866025 | cbrt(0.75) = 0.908560, the second clipped to 0.95 as A < 0
    "gspo": ({"clip_low": 0.05}, [-0.866025, -0.866025, 0.95, 0.95, 0.95], [-0.866025, -0.866025, 0, 0, 0]),
    "gspo_token": ({"clip_low": 0.05}, [-0.866025, -0.866025, 0.95, 0.95, 0.95], [-0.866025, -0.866025, 0, 0, 0]),
    # log-ratios 0.4, -0.693147, mean -0.146574, w = 0.863662 | 0.405465, -0.4, 0, mean 0.001822, w = 1.001823
    "gmpo": ({}, [-0.863662, -0.863662, 1.001823, 1.001823, 1.001823], [0, -0.863662, 1.001823, 0, 1.001823]),
    # 4/2 sigmoid(2 * 0.5) = 2 * 0.731059, 2 * 0.268941 | 4/4 sigmoid(4 * 0.5) = 0.880797, 0.119203, 0.5;
    # gradient -4 sigmoid' r A: 4 * 0.196612 * 1.5, 4 * 0.196612 * 0.5 | 4 * 0.104994 * 1.5, 4 * 0.104994 * 0.5, 4 * 0.25
    "sapo": (
        {"tau_pos": 2.0, "tau_neg": 4.0},
        [-1.462117, -0.537883, 0.880797, 0.119203, 0.5], [-1.179671, -0.393224, 0.629961, 0.209987, 1],
    ),
    # w = 1.5 * 0.5 (* 1) = 0.75: 0.75^2 e^(3/4) = 1.190812 | 0.75^3 e^(2/4) = 0.695554, times -A log pi
    "vespo": (
        {}, [0.707980, 2.016220, -0.413531, -1.177675, -0.695554], [-1.190812, -1.190812, 0.695554, 0.695554, 0.695554],
    ),
    # g = 1/2: F = 0.405465 - 0.346574 = 0.058892, -0.693147 | the same, 0. Weights 1.060660, 0.8 (e^F = 0.5) | the same, 1,
    # but 1 in place of 1.060660 where A < 0 and r > 1.4: -1.28 * 1.060660, -0.5 * 0.8 | 1.5, 0.8 * 0.8, 1
    "fipo": ({"tau": 1.0, "guard": 1.4}, [-1.357645, -0.4, 1.5, 0.64, 1], [0, -0.4, 1.5, 0, 1]),
    # -A log pi
    "em_policy_gradient": ({}, [0.594535, 1.693147, -0.594535, -1.693147, -1], [-1, -1, 1, 1, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", credit.LOSSES)
def test_by_hand(name):
    settings, losses, gradients = BY_HAND[name]
    got, slope = by_token(name, **settings)
    assert got == pytest.approx(losses, abs=2e-6)
    assert slope == pytest.approx(gradients, abs=2e-6)


def test_the_three_means_by_hand():
    # sums of `clip` above: -1.78 over two tokens and 3.3 over three
    for mean, wanted in (("tokens", 1.52 / 5), ("responses", (-0.89 + 1.1) / 2), ("constant", 1.52 / 6)):
        assert credit.LOSSES["clip"](LOGPS, OLD, A, MASK, mean=mean) == pytest.approx(wanted)
    assert credit.LOSSES["clip"](LOGPS, OLD, A, MASK, mean="constant", most_tokens=4) == pytest.approx(1.52 / 8)
    assert credit.LOSSES["gspo"].settings["mean"] == "responses"
    assert credit.LOSSES["gspo"](LOGPS, OLD, A, MASK, clip_low=0.05) == pytest.approx((0.95 - 0.866025) / 2, abs=1e-6)


def test_what_the_entropy_term_pulls_at():
    torch = pytest.importorskip("torch")
    entropies = torch.tensor(H["entropies"], requires_grad=True)
    credit.LOSSES["entropy_regularised"](
        torch.tensor(LOGPS, requires_grad=True), OLD, A, MASK, {"entropies": entropies}, coefficient=0.1
    ).backward()
    assert entropies.grad.numpy() == pytest.approx(-0.1 / 5 * MASK)  # up, on each of the five tokens alike


def test_entropies_without_a_gradient_are_refused_where_one_is_wanted():
    torch = pytest.importorskip("torch")
    loss, logps = credit.LOSSES["entropy_regularised"], torch.tensor(LOGPS, requires_grad=True)
    with pytest.raises(DataError, match="no gradient flows into the entropies"):
        loss(logps, OLD, A, MASK, H)
    with torch.no_grad():  # an evaluation wants none
        assert torch.isfinite(loss(logps, OLD, A, MASK, H))
    assert loss(logps, OLD, A, MASK, H, coefficient=0.0) == credit.LOSSES["clip"](logps, OLD, A, MASK)


def test_fipo_leaves_outliers_out_of_the_future_and_bounds_what_they_cost():
    # with c = 1.4 the ratio 1.5 adds nothing: F = -0.346574, e^F = 0.7071, weight 0.8; the loss is at most 1.4 * 0.8
    losses, _ = by_token("fipo", tau=1.0, c=1.4)
    assert losses == pytest.approx([-0.8 * 1.28, -0.4, 0.8 * 1.4, 0.64, 1])
    # the authors' weight never falls below 1: 1.060660 * 1.28, 0.5 | 1.060660 * 1.5, 0.8, 1
    losses, _ = by_token("fipo", tau=1.0, weight_low=0.0)
    assert losses == pytest.approx([-1.357645, -0.5, 1.590990, 0.8, 1], abs=2e-6)


@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 9, 64])
def test_the_discounted_sum_is_the_sum_written_out(width):
    values = np.random.default_rng(width).normal(size=(2, width))
    plain = [[sum(0.9 ** (k - t) * row[k] for k in range(t, width)) for t in range(width)] for row in values]
    assert discounted(values, 0.9) == pytest.approx(np.array(plain))


def test_only_the_token_form_of_gspo_tells_tokens_apart():
    mixed = np.array([[1.0, -1.0, 0.0], [-3.0, 0.0, 0.0]])
    _, gspo = by_token("gspo", mixed, clip_low=1.0, clip_high=1.0)
    _, token = by_token("gspo_token", mixed, clip_low=1.0, clip_high=1.0)
    assert gspo == pytest.approx([0, 0, 0.908560, 0.908560, 0.908560], abs=2e-6)  # all tokens get the mean of A
    assert token == pytest.approx([-0.866025, 0.866025, 3 * 0.908560, 0, 0], abs=2e-6)


# ---- the picks of Clip-Cov and KL-Cov
def many(rows=20, width=50, seed=0):
    rng = np.random.default_rng(seed)
    logps = -rng.exponential(1.0, (rows, width))
    return logps, logps - rng.normal(0, 0.1, (rows, width)), np.repeat(rng.normal(0, 1, (rows, 1)), width, 1)


def test_clip_cov_silences_the_share_it_says_and_only_between_its_bounds():
    logps, old, advantages = many()
    live = np.ones(logps.shape, bool)
    cov = (advantages - advantages.mean()) * (logps - logps.mean())
    loss = credit.LOSSES["clip_cov"]
    silent = loss.tokens(logps, old, advantages, live, share=0.05, low=0.2, high=2.0) == 0
    assert silent.sum() == 50  # 5 % of 1000 tokens
    assert ((cov > 0.2) & (cov < 2.0))[silent].all()
    assert (loss.tokens(logps, old, advantages, live, share=0.05, low=0.2, high=2.0) == 0).tolist() == silent.tolist()
    other = loss.tokens(logps, old, advantages, live, share=0.05, low=0.2, high=2.0, seed=1) == 0
    assert other.sum() == 50
    assert (other != silent).any()
    candidates = ((cov > 0.2) & (cov < 2.0)).sum()
    assert (loss.tokens(logps, old, advantages, live, share=1.0, low=0.2, high=2.0) == 0).sum() == candidates
    assert (loss.tokens(logps, old, advantages, live, share=1e-9, low=0.2, high=2.0) == 0).sum() == 1  # never none
    clipped = loss.tokens(logps, old, advantages, live, share=1.0, low=0.2, high=2.0, clip_low=0.0, clip_high=0.0)
    assert 0 < (clipped == 0).sum() < candidates  # the clip has silenced the others already, and their loss stands


def test_kl_cov_pulls_at_the_tokens_with_the_largest_covariance():
    logps, old, advantages = many()
    live = np.ones(logps.shape, bool)
    cov = (advantages - advantages.mean()) * (logps - logps.mean())
    loss = credit.LOSSES["kl_cov"]
    plain = loss.tokens(logps, old, advantages, live, share=0.0)
    pulled = loss.tokens(logps, old, advantages, live, share=0.01) - plain
    top = np.sort(cov, axis=None)[-10]
    assert ((pulled != 0) == (cov >= top)).all()
    assert pulled[cov >= top] == pytest.approx(np.abs(logps - old)[cov >= top])
    same = loss.tokens(logps, old, np.ones_like(logps), live, share=0.01) != loss.tokens(
        logps, old, np.ones_like(logps), live, share=0.0
    )
    assert (same == (np.abs(logps - old) >= np.sort(np.abs(logps - old), axis=None)[-10])).all()  # all cov are 0


# ---- what holds for every loss
PICKS = {
    "clip_cov": {"share": 0.3, "low": -0.6, "high": 0.6},
    "kl_cov": {"share": 0.3},
    "fipo": {"tau": 2.0, "c": 1.5},
    "cispo": {"clip_high": 0.1},
    "dual_clip": {"c": 1.2},
}


def case(seed, rows=6, width=9):
    rng = np.random.default_rng(seed)
    live = np.arange(width) < rng.integers(1, width + 1, rows)[:, None]
    live &= rng.random(live.shape) < 0.8
    live[0] = False  # a rollout without a policy token
    logps = -rng.exponential(1.0, live.shape)
    advantages = rng.normal(0, 1, live.shape) * (rng.random((rows, 1)) < 0.8)
    return {
        "logps": logps, "old_logps": logps - rng.normal(0, 0.4, live.shape), "advantages": advantages, "mask": live,
        "batch": {"entropies": rng.exponential(0.5, live.shape)},
    }  # fmt: skip


def with_gradient(name, given, **settings):
    """The loss, and its gradient by logps and by entropies."""
    torch = pytest.importorskip("torch")
    logps = torch.tensor(given["logps"], requires_grad=True)
    entropies = torch.tensor(given["batch"]["entropies"], requires_grad=True)
    rest = [torch.tensor(given[key]) for key in ("old_logps", "advantages", "mask")]
    loss = credit.LOSSES[name](logps, *rest, {"entropies": entropies}, **{**PICKS.get(name, {}), **settings})
    loss.backward()
    return loss.item(), logps.grad.numpy(), entropies.grad.numpy() if entropies.grad is not None else np.zeros(1)


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("name", credit.LOSSES)
def test_laws(name, mean):
    for seed in range(8):
        given = case(seed)
        live = given["mask"]
        chosen = {"mean": mean, "most_tokens": 11}
        loss, slope, pull = with_gradient(name, given, **chosen)
        assert math.isfinite(loss)
        assert (slope[~live] == 0).all()
        assert (pull == 0).all() or name == "entropy_regularised"

        kept = [given[key].copy() for key in ("logps", "old_logps", "advantages", "mask")]
        plain = credit.LOSSES[name](**given, **{**PICKS.get(name, {}), **chosen})
        assert plain == pytest.approx(loss)  # numpy and torch
        assert all(
            (given[key] == old).all()
            for key, old in zip(("logps", "old_logps", "advantages", "mask"), kept, strict=True)
        )

        for junk in (np.nan, np.inf, -np.inf, 1e300):  # what stands in the padding never matters
            dirty = {key: np.where(live, value, junk) for key, value in given.items() if key not in ("mask", "batch")}
            dirty |= {"mask": live, "batch": {"entropies": np.where(live, given["batch"]["entropies"], junk)}}
            got = with_gradient(name, dirty, **chosen)
            assert got[0] == loss
            assert (got[1] == slope).all()
            assert (got[2] == pull).all()

        wide = {key: np.pad(value, ((0, 0), (0, 3))) for key, value in given.items() if key != "batch"}
        wide["batch"] = {"entropies": np.pad(given["batch"]["entropies"], ((0, 0), (0, 3)))}
        assert with_gradient(name, wide, **chosen)[0] == pytest.approx(loss)

        order = np.random.default_rng(seed).permutation(len(live))  # nor does the order of rows
        turned = {key: value[order] for key, value in given.items() if key != "batch"}
        turned["batch"] = {"entropies": given["batch"]["entropies"][order]}
        got = with_gradient(name, turned, **chosen)
        assert got[0] == pytest.approx(loss)
        assert got[1] == pytest.approx(slope[order])


@pytest.mark.parametrize("name", credit.LOSSES)
def test_a_batch_without_a_policy_token_or_without_rollouts_costs_nothing(name):
    given = case(0)
    for mean in MEANS:
        loss, slope, _ = with_gradient(name, given | {"mask": np.zeros_like(given["mask"])}, mean=mean)
        assert (loss, np.abs(slope).max()) == (0, 0)
        none = np.zeros((0, 3))
        assert credit.LOSSES[name](none, none, none, none.astype(bool), {"entropies": none}, mean=mean) == 0


@pytest.mark.parametrize("mean", MEANS)
def test_the_parts_of_a_batch_add_up_to_the_whole(mean):
    torch = pytest.importorskip("torch")
    for seed in range(5):
        given = case(seed, rows=8)
        losses, live = given["advantages"], given["mask"]
        whole = averaged(losses, live, mean, live.sum(), 8, 20)
        parts = [(0, 1), (1, 4), (4, 8)]
        shares = [averaged(losses[a:b], live[a:b], mean, live.sum(), 8, 20) for a, b in parts]
        assert sum(shares) == pytest.approx(whole)
        tensors = [
            averaged(torch.tensor(losses[a:b]), torch.tensor(live[a:b]), mean, torch.tensor(live.sum()), 8, 20)
            for a, b in parts
        ]
        assert sum(tensors).item() == pytest.approx(whole)
        assert averaged(np.where(live, losses, np.nan), live.astype(int), mean, live.sum(), 8, 20) == whole


# ---- identities
ON_POLICY = {
    "clip": {}, "dual_clip": {}, "cispo": {}, "gspo_token": {}, "gmpo": {}, "sapo": {}, "vespo": {}, "fipo": {},
    "em_policy_gradient": {},
    "kl_cov": {"share": 0.5}, "clip_cov": {"share": 0.0}, "entropy_regularised": {"coefficient": 0.0},
}  # fmt: skip


@pytest.mark.parametrize("mean", MEANS)
def test_where_nothing_has_moved_the_gradients_are_those_of_reinforce(mean):
    given = case(3)
    live, advantages = given["mask"], given["advantages"]
    count = live.sum(1, keepdims=True)
    divisor = {"tokens": live.sum(), "responses": np.maximum(count, 1) * 6, "constant": 6 * 9}[mean]
    for name, settings in ON_POLICY.items():
        _, slope, _ = with_gradient(name, given | {"old_logps": given["logps"]}, mean=mean, **settings)
        assert slope == pytest.approx(-advantages * live / divisor), name
    means = (advantages * live).sum(1, keepdims=True) / np.maximum(count, 1)
    _, slope, _ = with_gradient("gspo", given | {"old_logps": given["logps"]}, mean=mean)
    assert slope == pytest.approx(-means * live / divisor)  # GSPO credits each token with the mean of its response


def test_what_is_turned_off_is_gone():
    given = case(5)

    def loss(name, **settings):
        return credit.LOSSES[name](**given, **settings)

    assert loss("dual_clip", c=1e9) == loss("clip")
    assert loss("entropy_regularised", coefficient=0.0) == loss("clip")
    assert loss("clip_cov", share=0.0) == loss("clip", clip_low=1.0, clip_high=1.0)
    assert (
        loss("kl_cov", share=0.5, weight=0.0) == loss("kl_cov", share=0.0) == loss("clip", clip_low=1.0, clip_high=1e9)
    )
    assert loss("fipo", weight_low=0.0, weight_high=0.0) == loss("dual_clip", c=10.0)


def test_with_equal_advantages_in_a_response_the_token_forms_are_the_sequence_forms():
    for seed in range(8):
        given = case(seed)
        given["advantages"] = np.repeat(given["advantages"][:, :1], 9, axis=1)
        bounds = {"clip_low": 0.1, "clip_high": 0.1}
        gspo, token = (with_gradient(name, given, **bounds) for name in ("gspo", "gspo_token"))
        assert token[0] == pytest.approx(gspo[0])
        assert token[1] == pytest.approx(gspo[1])
        ours, published = with_gradient("gmpo", given), as_published_gmpo(given)
        assert ours[0] == pytest.approx(published[0])
        assert ours[1] == pytest.approx(published[1])


def as_published_gmpo(given):
    """The mean over responses of -w A, with w the geometric mean of clipped ratios, one advantage a response."""
    torch = pytest.importorskip("torch")
    logps, live = torch.tensor(given["logps"], requires_grad=True), given["mask"]
    total = 0.0
    for row, advantage in enumerate(given["advantages"][:, 0]):
        product = torch.ones((), dtype=torch.float64)
        for t in np.flatnonzero(live[row]):
            ratio = torch.exp(logps[row, t] - given["old_logps"][row, t])
            bound = torch.exp(torch.tensor(0.4 if advantage > 0 else -0.4).double())
            product = product * (torch.minimum(ratio, bound) if advantage > 0 else torch.maximum(ratio, bound))
        if live[row].any():
            total = total - advantage * product ** (1 / live[row].sum())
    (total / len(live)).backward()
    return (total / len(live)).item(), logps.grad.numpy()


# ---- EM: what the weights promise
RIGHT = np.array([1.0, 0.0, 0.0, 1.0])  # two words, a and b, each 0 or 1: right where they are equal


def trained(weights_of, kl=0.0, steps=200, rate=2.0):
    """The chance to be right after many steps on one exact batch, for each of three such batches, from a first chance of 0.48.

    The policy has one chance for each word, and the batch has all four answers, each with its chance: no sampling error.
    """
    torch = pytest.importorskip("torch")
    answers = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
    logits = torch.log(torch.tensor([[0.4, 0.6], [0.6, 0.4]], dtype=torch.float64)).requires_grad_()

    def chances():
        return torch.log_softmax(logits, 1)[torch.arange(2), answers]  # [4,2] log-probabilities, word by word

    reached = [float(np.exp(chances().detach().sum(1).numpy()) @ RIGHT)]
    for _ in range(3):
        old = chances().detach()
        before = np.exp(old.sum(1).numpy())
        advantages = np.repeat((4 * before * weights_of(before))[:, None], 2, axis=1)  # 4: the loss is a mean of 4 rows
        for _ in range(steps):
            now = chances()
            loss = credit.LOSSES["em_policy_gradient"](now, old, advantages, np.ones((4, 2), bool), most_tokens=1)
            if kl:
                joint = now.sum(1)
                loss = loss + kl * (joint.exp() * (joint - old.sum(1))).sum()
            (slope,) = torch.autograd.grad(loss, logits)
            with torch.no_grad():
                logits -= rate * slope
        reached.append(float(np.exp(chances().detach().sum(1).numpy()) @ RIGHT))
    return reached


def test_em_with_weights_that_are_not_negative_never_lowers_the_bound():
    posterior = trained(lambda before: RIGHT / (before @ RIGHT))
    assert posterior[0] == pytest.approx(0.48)  # 0.4 * 0.6 + 0.6 * 0.4
    # the right answers have chance 0.24 each, so each word is 0 in half of them: the maximum of the M-step is 1/2, 1/2
    assert posterior[1:] == pytest.approx([0.5] * 3, abs=1e-6)


def test_signed_weights_over_many_steps_ruin_the_policy_and_a_kl_term_saves_it():
    def signed(before):
        return RIGHT - before @ RIGHT

    assert trained(signed, steps=1, rate=0.5)[1] > 0.48  # one step: the policy gradient
    # each word by itself follows the right answers: a to 0 (0.24 * 0.52 > 0.16 * 0.48), b to 1, and (0, 1) is wrong
    assert trained(signed)[1] < 0.01
    assert min(trained(signed, kl=1.0)) >= 0.48


# ---- bad input
def test_settings_are_checked():
    with pytest.raises(ConfigError, match=r"loss.settings.clip_lo: clip has no setting 'clip_lo'") as error:
        credit.LOSSES["clip"].checked({"clip_lo": 0.1})
    assert "did you mean 'clip_low'" in error.value.fix
    wrong = [
        ("clip", {"clip_low": 1.5}), ("clip", {"mean": "dapo"}), ("clip", {"most_tokens": 0}), ("dual_clip", {"c": 1.0}),
        ("entropy_regularised", {"coefficient": -0.1}), ("cispo", {"clip_high": -1.0}), ("sapo", {"tau_pos": 0.0}),
        ("fipo", {"tau": 0.0}), ("fipo", {"guard": 1.0}), ("kl_cov", {"share": 2.0}), ("gmpo", {"log_low": -0.4}),
        ("vespo", {"k_neg": -1.0}), ("clip_cov", {"seed": 2**64}), ("clip_cov", {"low": float("nan")}),
    ]  # fmt: skip
    for name, settings in wrong:
        with pytest.raises(ConfigError, match=next(iter(settings))):
            credit.LOSSES[name].checked(settings)
    with pytest.raises(ConfigError, match="low is 5.0 and high is 5.0"):
        credit.LOSSES["clip_cov"](LOGPS, OLD, A, MASK, low=5.0)


def test_what_a_loss_needs_is_named():
    with pytest.raises(MissingField, match="loss 'entropy_regularised' needs the batch field 'entropies'"):
        credit.LOSSES["entropy_regularised"](LOGPS, OLD, A, MASK)
    with pytest.raises(DataError, match=r"entropies \(2,\) and logps \(2, 3\) must both be \[B,T\]"):
        credit.LOSSES["entropy_regularised"](LOGPS, OLD, A, MASK, {"entropies": [0.1, 0.2]})


@pytest.mark.parametrize("made", [lambda losses: losses.sum(), lambda losses: losses[:, :1], lambda losses: None])
def test_a_loss_that_gives_another_shape_is_named(made):
    def mine(logps, old_logps, advantages, mask, batch):
        return made(-advantages * logps)

    with pytest.raises(DataError, match=r"loss 'mine' gave .* and must give \(2, 3\)"):
        Loss("mine", mine, "a test")(LOGPS, OLD, A, MASK)


def test_half_precision_is_computed_in_float32():
    torch = pytest.importorskip("torch")
    # in bfloat16 the ratio of 1.0003 would round to 1, and GSPO would never clip
    logps = torch.full((1, 2), -0.001).bfloat16().requires_grad_()
    old = logps.detach().float() - 0.001
    losses = credit.LOSSES["gspo"].tokens(logps, old, torch.ones(1, 2), torch.ones(1, 2).bool())
    assert losses.dtype == torch.float32
    assert losses.detach().numpy() == pytest.approx(-1.0004 * np.ones((1, 2)))
    loss = credit.LOSSES["clip"](logps, old, torch.ones(1, 2), torch.ones(1, 2).bool())
    loss.backward()
    assert loss.dtype == logps.grad.dtype == torch.bfloat16


@pytest.mark.parametrize("name", credit.LOSSES)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_ratio_beyond_all_bounds_poisons_nothing(name, sign):
    """exp(94) is infinity in float32: neither the token itself nor its neighbours may become NaN, also where A is 0."""
    torch = pytest.importorskip("torch")
    old = torch.tensor([[-95.0, -1.0, -1.0], [-1.0, -700.0, -1.0]])
    for first in (sign, 0.0):
        logps = torch.full((2, 3), -1.0, requires_grad=True)
        advantages = torch.tensor([[first, 1.0, -1.0], [1.0, first, -1.0]])
        more = {"entropies": torch.ones(2, 3, requires_grad=True)}
        loss = credit.LOSSES[name](logps, old, advantages, torch.ones(2, 3), more)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(logps.grad).all()
