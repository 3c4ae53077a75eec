"""The repeated share of runs of 8 words, by hand; what is too short, and texts without white space."""

import numpy as np
import pytest

from hicra.metrics.repetition import loops, repeated_share, repeated_share_of


def test_the_share_by_hand():
    # 50 words in a circle of 10: 43 runs of 8, of which 10 are different, so 33 of 43 stood before
    assert repeated_share(np.arange(50) % 10) == pytest.approx(33 / 43)
    assert repeated_share(np.arange(50)) == 0
    # 60 words, of which the last 10 are the first 10 again: 53 runs, and 3 of them (begins 50, 51, 52) stood before
    assert repeated_share(np.append(np.arange(50), np.arange(10))) == pytest.approx(3 / 53)


def test_what_is_too_short_to_tell_has_none():
    assert repeated_share(np.zeros(46, np.int64)) is None  # 39 runs
    assert repeated_share(np.zeros(47, np.int64)) == pytest.approx(39 / 40)
    assert not loops(None)
    assert [loops(share) for share in (0.49, 0.5)] == [False, True]


def test_a_text_is_its_words_and_one_without_white_space_its_characters():
    assert repeated_share_of(" ".join(f"w{i % 10}" for i in range(50))) == pytest.approx(33 / 43)
    assert repeated_share_of("我们先算一下再看" * 8) == pytest.approx(1 - 8 / 57)  # 64 characters, 57 runs, 8 different
    assert repeated_share_of("") is None
