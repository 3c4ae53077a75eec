"""The order of a class that joins a mixin with an engine's trainer: the mixin stands first, or nothing calls its overrides."""

from __future__ import annotations

from hicra.errors import EngineError


def refuse_order(made: type, mixin: type, trainer: type) -> None:
    """Raises EngineError for a class in which an engine's trainer stands before a mixin, whose overrides would never be called.

    Args:
        made: the class that is being made.
        mixin: what shapes.
        trainer: the engine's trainer class that the mixin overrides.
    """
    order = made.__mro__
    if trainer in order and order.index(trainer) < order.index(mixin):
        first = [base.__name__ for base in made.__bases__ if issubclass(base, mixin)]
        others = [base for base in made.__bases__ if not issubclass(base, mixin)]
        wrong = next(base.__name__ for base in others if issubclass(base, trainer))
        raise EngineError(
            f"{wrong} stands before {first[0]}, so that nothing would be shaped",
            f"write class {made.__name__}({', '.join([*first, *(base.__name__ for base in others)])})",
        )
