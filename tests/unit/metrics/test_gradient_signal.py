"""Signal and noise of gradients: by hand, on average over draws whose signal is known, laws, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.errors import ConfigError, DataError
from hicra.metrics import gradient_signal
from hicra.metrics.gradient_signal import signal_of_products


def test_by_hand() -> None:
    # rows (1,0), (2,1), (0,2): inner products 2, 0, 2, mean 4/3; squared norms 1, 5, 4, mean 10/3; noise 2; snr 2/3
    # without row 0, 1, 2: 2, 0, 2; mean 4/3; s^2 = 2/3 (4/9 + 16/9 + 4/9) = 16/9; t(2) = 4.30265 times 4/3 = 5.73687
    found = gradient_signal([[1, 0], [2, 1], [0, 2]])
    assert (found.signal, found.noise, found.snr) == pytest.approx((4 / 3, 2, 2 / 3))
    assert (found.low, found.high) == pytest.approx((4 / 3 - 5.73687, 4 / 3 + 5.73687), abs=1e-5)


def test_four_batches_take_the_part_over_pairs_into_account_by_hand() -> None:
    # numbers 1, 1, -1, -1: products 1, -1, -1, -1, -1, 1, mean -1/3; squares 1, so noise 4/3.
    # Without one each: (1 or -1) and two of the others: always (1 - 1 - 1)/3 = -1/3; the plain jackknife would see no spread.
    # Remainders of the table beside its mean and effects (which are 0): 4/3 twice, -2/3 four times; sum of squares 16/3
    # d = (16/3) / (4 * 1/2) = 8/3; variance 2 d / 12 = 4/9; t(3) = 3.18245 times 2/3
    found = gradient_signal([[1], [1], [-1], [-1]])
    assert (found.signal, found.noise) == pytest.approx((-1 / 3, 4 / 3))
    assert found.snr == pytest.approx(-1 / 4)
    assert (found.low, found.high) == pytest.approx((-1 / 3 - 3.18245 * 2 / 3, -1 / 3 + 3.18245 * 2 / 3), abs=1e-4)


def test_two_batches_have_no_interval() -> None:
    found = gradient_signal([[1, 2], [3, 4]])  # 3 + 8 = 11; squares 5 and 25, mean 15
    assert (found.signal, found.noise, found.snr) == pytest.approx((11, 4, 11 / 4))
    assert np.isnan(found.low)
    assert np.isnan(found.high)


def test_without_noise_or_without_anything() -> None:
    same = gradient_signal(np.ones((5, 3)))
    assert (same.signal, same.noise, same.snr, same.low, same.high) == (3, 0, np.inf, 3, 3)
    nothing = gradient_signal(np.zeros((3, 3)))
    assert (nothing.signal, nothing.noise) == (0, 0)
    assert np.isnan(nothing.snr)


def test_tensors_and_half_precision_are_taken() -> None:
    torch = pytest.importorskip("torch")
    rows = torch.tensor([[1.0, 0], [2, 1], [0, 2]], requires_grad=True)
    assert gradient_signal(rows).signal == pytest.approx(4 / 3)
    assert gradient_signal(rows.to(torch.bfloat16)).signal == pytest.approx(4 / 3)
    assert gradient_signal(np.array([[1, 0], [2, 1], [0, 2]], np.float16)).noise == pytest.approx(2)


def test_right_on_average_where_one_squared_norm_is_not() -> None:
    # |mu|^2 = 0.25, and noise of variance 1 in each of 20 numbers: a squared norm alone would be 20.25 on average
    rng = np.random.default_rng(0)
    found = [gradient_signal(0.5 * np.eye(20)[0] + rng.normal(size=(6, 20))) for _ in range(2000)]
    for values, truth in (([one.signal for one in found], 0.25), ([one.noise for one in found], 20)):
        error = np.std(values, ddof=1) / np.sqrt(len(values))
        assert abs(np.mean(values) - truth) < 3 * error


def test_the_variance_behind_the_interval_is_right_on_average() -> None:
    # N = 6 batches of D = 20 numbers with variance 1, |mu|^2 = 20: the variance of the mean over pairs is
    # 4 |mu|^2 / N + 2 D / (N (N - 1)) = 13.333 + 1.333 = 14.667. The plain jackknife expects 13.333 + 4 D / (N (N - 2)) = 16.667.
    rng = np.random.default_rng(0)
    found = [gradient_signal(1 + rng.normal(size=(6, 20))) for _ in range(4000)]
    squares = [((one.high - one.signal) / 2.570582) ** 2 for one in found]  # t(5)
    assert np.mean(squares) == pytest.approx(14.667, abs=3 * np.std(squares) / np.sqrt(4000))
    assert np.var([one.signal for one in found]) == pytest.approx(14.667, rel=0.08)


@given(
    seed=st.integers(0, 2**32), n=st.integers(2, 7), width=st.integers(1, 6), factor=st.sampled_from([-3.0, 1e-3, 1e4])
)
@settings(deadline=None, max_examples=40)
def test_order_scale_rotation_and_further_zeros(seed: int, n: int, width: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(0.5, 1, (n, width))
    kept = rows.copy()
    plain = gradient_signal(rows)
    assert (rows == kept).all()
    turn, _ = np.linalg.qr(rng.normal(size=(width, width)))
    for same in (rows[rng.permutation(n)], rows @ turn, np.pad(rows, ((0, 0), (0, 3)))):
        other = gradient_signal(same)
        for key in ("signal", "noise", "low", "high"):
            assert getattr(other, key) == pytest.approx(getattr(plain, key), rel=1e-6, abs=1e-9, nan_ok=True)
    scaled = gradient_signal(factor * rows)
    assert scaled.signal == pytest.approx(factor**2 * plain.signal, rel=1e-6, abs=1e-9 * factor**2)
    assert scaled.snr == pytest.approx(plain.snr, rel=1e-6)
    assert plain.noise >= -1e-9
    assert signal_of_products(rows @ rows.T).signal == pytest.approx(plain.signal)


def test_a_shift_of_all_gradients_adds_to_the_signal_alone() -> None:
    # Shifted by c, <g_i + c, g_j + c> is <g_i, g_j> + 2 <mean of all, c> + |c|^2 on average; the noise stays.
    rows, shift = np.random.default_rng(0).normal(size=(6, 4)), np.array([1.0, -2, 0, 3])
    plain, moved = gradient_signal(rows), gradient_signal(rows + shift)
    assert moved.noise == pytest.approx(plain.noise)
    assert moved.signal == pytest.approx(plain.signal + 2 * rows.mean(axis=0) @ shift + shift @ shift)


def test_bad_input_is_named() -> None:
    with pytest.raises(DataError, match=r"shape \(1, 3\)"):
        gradient_signal(np.ones((1, 3)))
    with pytest.raises(DataError, match=r"shape \(3,\)"):
        gradient_signal(np.ones(3))
    with pytest.raises(DataError, match="unequal length"):
        gradient_signal([[1, 2], [3]])
    with pytest.raises(DataError, match="batch 1 is not finite \\(1 of 3 batches\\)"):
        gradient_signal([[1.0, 2], [np.nan, 0], [1, 1]])
    with pytest.raises(DataError, match="squares overflow"):
        gradient_signal(np.full((3, 2), 1e200))
    assert gradient_signal(np.full((4, 2), 1e70)).signal == pytest.approx(2e140)
    for other in (np.ones((3, 2), complex), np.array([["a"]] * 3), None):
        with pytest.raises(DataError, match="gradients are of type .*, no real numbers"):
            gradient_signal(other)
    with pytest.raises(ConfigError, match="confidence"):
        gradient_signal(np.ones((3, 3)), confidence=0)
