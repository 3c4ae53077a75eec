"""Holds the settings of a fit."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hicra.strict import Count, Flat, Positive

DEFAULT_POSITIVE = ("planning", "reflection")
Strength = Annotated[float, Field(gt=0)]


class FitSettings(Flat):
    """Says how to fit; all of it is recorded in the lexicon."""

    max_grams: Positive = Field(default=500, description="Largest number of grams.")
    n_max: Positive = Field(default=5, description="Largest number of words of a gram.")
    pieces: Positive = Field(default=8, description="Largest number of words and other characters of a gram together.")
    min_questions: Positive = Field(
        default=5, description="A gram must occur in that many questions of the training part (FIT-4)."
    )
    strengths: tuple[Strength, ...] = Field(
        default=(0.15,), min_length=1, description="Values of C of the L1 regression to choose from (FIT-6)."
    )
    refit: Strength = Field(default=0.3, description="C of the L2 regression on the chosen grams (FIT-6).")
    folds: int = Field(default=5, ge=2, description="Number of cross-validation folds, outer and inner.")
    seed: Count = Field(default=0, description="Seed of the cross-validation folds.")
    positive: tuple[str, ...] = Field(
        default=DEFAULT_POSITIVE, description="Names of the positive labels; they are recorded only."
    )
