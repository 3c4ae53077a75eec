"""Numbers as people read them: their examples, and no plural of one."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

from hicra.drawing import readable


def test_doctests():
    found = doctest.testmod(readable)
    assert found.attempted >= 4
    assert found.failed == 0


@given(st.floats(-1e6, 1e6), st.integers(0, 6), st.booleans())
def test_what_rounds_to_nothing_has_no_sign(value, places, sign):
    text = readable.decimal(value, places, sign)
    assert abs(float(text) - value) <= 0.5 * 10.0**-places + 1e-9
    assert not text.startswith(("-0", "+0")) or float(text) != 0
