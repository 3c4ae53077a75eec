"""Numbers of a recipe's command line, and how its work ends."""

from __future__ import annotations

import argparse

import pytest

from hicra.errors import ConfigError
from hicra.related.script import ended, seed, whole


@pytest.mark.parametrize("text", ["-1", "0", "one", "1.5", "", "8"])
def test_what_is_no_number_in_the_range_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is no whole number from 1 to 7"):
        whole(1, 7)(text)


def test_numbers_of_the_range_are_taken() -> None:
    assert [whole(1, 7)(text) for text in ("1", "7")] == [1, 7]
    assert (seed("0"), seed(str(2**32 - 1))) == (0, 2**32 - 1)
    with pytest.raises(argparse.ArgumentTypeError):
        seed(str(2**32))


def raising(error: BaseException) -> int:
    def work() -> None:
        raise error

    return ended(work)


def test_what_the_user_can_mend_is_one_error_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(lambda: None) == 0
    assert raising(ConfigError("psi is -1", "give 0 or more")) == 1
    assert capsys.readouterr().err == "error: psi is -1\n  fix: give 0 or more\n"
    assert raising(PermissionError(13, "Permission denied", "runs/x")) == 1
    assert capsys.readouterr().err.startswith("error: runs/x: Permission denied\n  fix: ")
    assert raising(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "error: interrupted\n"
    with pytest.raises(ZeroDivisionError):  # a fault of the program shows where it is
        raising(ZeroDivisionError())
