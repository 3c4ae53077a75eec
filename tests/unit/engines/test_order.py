"""A class that joins a mixin with a trainer, in the right order and in the wrong one."""

import pytest

from hicra.engines.order import refuse_order
from hicra.errors import EngineError


class Trainer:
    pass


class Logs:
    pass


class Mixin:
    pass


def test_the_trainer_is_named_and_not_what_else_stands_first():
    wrong = type("Mine", (Logs, Trainer, Mixin), {})
    with pytest.raises(EngineError, match="^Trainer stands before Mixin, so that nothing would be shaped") as error:
        refuse_order(wrong, Mixin, Trainer)
    assert error.value.fix == "write class Mine(Mixin, Logs, Trainer)"


def test_a_mixin_that_a_class_brings_along_is_named_by_that_class():
    brings, own = type("Brings", (Mixin,), {}), type("Own", (Trainer,), {})
    with pytest.raises(EngineError, match="^Own stands before Brings") as error:
        refuse_order(type("Mine", (own, brings), {}), Mixin, Trainer)
    assert error.value.fix == "write class Mine(Brings, Own)"


@pytest.mark.parametrize("bases", [(Mixin,), (Mixin, Trainer), (Logs, Mixin, Trainer)])
def test_the_mixin_first_or_alone_is_right(bases):
    refuse_order(type("Mine", bases, {}), Mixin, Trainer)


def test_a_subclass_of_the_trainer_may_stand_before_a_class_that_is_right():
    right = type("Right", (Mixin, Trainer), {})
    refuse_order(type("Mine", (type("Own", (Trainer,), {}), right), {}), Mixin, Trainer)
