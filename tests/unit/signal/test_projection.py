"""The projection keeps inner products: exactly in the mean over its draws, and with the variance that its docstring states."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hicra.signal import projection  # noqa: E402


def products_of(x, y, size, seeds):
    parts = [[torch.tensor(each, dtype=torch.float64)] for each in (x, y)]
    return np.array(
        [float(projection.project(parts[0], size, s) @ projection.project(parts[1], size, s)) for s in seeds]
    )


def variance(x, y, size):
    """The formula of the docstring, pair by pair."""
    total = 0.0
    for i, j in itertools.permutations(range(len(x)), 2):
        if i // size != j // size:
            total += x[i] ** 2 * y[j] ** 2 + x[i] * y[i] * x[j] * y[j]
    return total / size


def test_every_draw_of_a_tiny_case(monkeypatch):
    # x = (1, 2, 3), y = (1, 0, 2) in chunks of 2: (x0, x1), (x2). <x, y> = 1 + 0 + 6 = 7.
    # pairs of different chunks: (0,2) 1*4 + 1*6 = 10; (2,0) 9*1 + 6 = 15; (1,2) 4*4 + 0 = 16; (2,1) 9*0 + 0 = 0. 41 / 2 = 20.5
    x, y = [1.0, 2.0, 3.0], [1.0, 0.0, 2.0]
    found = []
    for signs, shifts in itertools.product(itertools.product((1, -1), repeat=3), itertools.product((0, 1), repeat=2)):
        drawn = np.array(signs, np.float32), np.array(shifts, np.int64)
        monkeypatch.setattr(projection, "signs_and_shifts", lambda *_, drawn=drawn: drawn)
        found.append(products_of(x, y, 2, [0])[0])
    assert len(found) == 32
    assert np.mean(found) == pytest.approx(7.0, abs=1e-12)
    assert np.var(found) == pytest.approx(20.5, abs=1e-12)
    assert variance(x, y, 2) == pytest.approx(20.5, abs=1e-12)


def test_one_draw_by_hand(monkeypatch):
    # signs (+, -, +), shifts (1, 0): chunk (1, -2) turned by one is (-2, 1), chunk (3, 0) stays; the sum is (1, 1)
    drawn = np.array([1, -1, 1], np.float32), np.array([1, 0], np.int64)
    monkeypatch.setattr(projection, "signs_and_shifts", lambda *_: drawn)
    assert projection.project([torch.tensor([1.0, 2.0, 3.0])], 2, 0).tolist() == [1.0, 1.0]


def test_mean_and_variance_over_seeds():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 120))
    size, seeds = 16, range(3000)
    found = products_of(x, y, size, seeds)
    expected = variance(x, y, size)
    assert abs(found.mean() - x @ y) < 4 * np.sqrt(expected / len(seeds))
    assert found.var() == pytest.approx(expected, rel=0.15)
    assert expected <= (x @ x * (y @ y) + (x @ y) ** 2) / size


def test_it_is_linear_and_depends_on_seed_position_and_part():
    rng = np.random.default_rng(1)
    x, y = (torch.from_numpy(row) for row in rng.normal(size=(2, 50)))
    both = projection.project([2 * x - 3 * y], 8, 5)
    assert torch.allclose(both, 2 * projection.project([x], 8, 5) - 3 * projection.project([y], 8, 5), atol=1e-12)
    assert not torch.equal(projection.project([x], 8, 5), projection.project([x], 8, 6))
    assert not torch.equal(projection.project([x, 0 * y], 8, 5), projection.project([0 * y, x], 8, 5))
    assert torch.equal(projection.project([x.reshape(5, 10), y], 8, 5), projection.project([x, y], 8, 5))


@pytest.mark.slow
def test_many_blocks_are_one_vector(monkeypatch):
    monkeypatch.setattr(projection, "BLOCK", 8)  # two chunks of 4 at a time, of 13 coordinates
    x = np.arange(13.0) + 1
    found = products_of(x, x, 4, range(4000))
    assert abs(found.mean() - x @ x) < 4 * np.sqrt(variance(x, x, 4) / 4000)
    assert found.var() == pytest.approx(variance(x, x, 4), rel=0.2)


def test_a_vector_shorter_than_k_is_kept_exactly():
    x = torch.tensor([3.0, 4.0])
    assert float(projection.project([x], 8, 3) @ projection.project([x], 8, 3)) == 25.0


def test_the_draws_stay_what_they_are():
    """A folder that is resumed with another version of numpy must get the same projection."""
    draw = np.random.Philox(key=np.array([0, 0], np.uint64))
    signs, shifts = projection.signs_and_shifts(draw, 8, 2, 1000)
    assert signs.tolist() == [1, -1, -1, -1, -1, 1, 1, -1]
    assert shifts.tolist() == [259, 458]
