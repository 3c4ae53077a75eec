"""Holds the settings of mining. Each choice that the paper leaves open is one of them, as docs/deviations.md explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from hicra.errors import ConfigError, did_you_mean
from hicra.strict import Strict


class MineSettings(Strict):
    """Settings of mining; all of them are recorded in the lexicon."""

    n_min: int = Field(default=3, ge=1, le=8, description="Words of the shortest n-gram. The paper has 3.")
    n_max: int = Field(default=5, ge=1, le=8, description="Words of the longest n-gram. The paper has 5.")
    min_df: int = Field(
        default=2, ge=1, description="Number of solutions (or questions, see count) that must hold an n-gram."
    )
    count: Literal["solutions", "questions"] = Field(
        default="solutions", description="What a document frequency counts: distinct solutions, or distinct questions."
    )
    near_duplicates: Literal["keep", "merge"] = Field(
        default="keep",
        description="With merge, solutions that differ only in numbers, formulas or punctuation count once.",
    )
    across_questions: bool = Field(
        default=True, description="An n-gram must occur in solutions of two different questions (MINE-12)."
    )
    closed: bool = Field(default=True, description="Drop n-grams that always stand inside one longer n-gram (MINE-5).")
    max_per_doc: float | None = Field(
        default=None,
        ge=1,
        description="Largest mean number of occurrences in the solutions that hold the n-gram (MINE-13); off by default.",
    )
    burstiness: float | None = Field(
        default=None,
        gt=0,
        description="Largest residual inverse document frequency, in bits (MINE-14); off by default.",
    )
    contrast: float | None = Field(
        default=None,
        gt=0,
        description="Least ratio of an n-gram's odds in correct solutions to those in incorrect ones (MINE-15); off by default.",
    )
    max_embedded: int = Field(
        default=10_000,
        ge=1,
        description="Largest number of n-grams that are embedded, the most frequent first (MINE-6).",
    )
    embedder: str | None = Field(
        default=None,
        description="One of hashing, minilm, wordllama, model2vec:FOLDER, or FILE.parquet with columns gram and vector. "
        "By default minilm where it is installed, else hashing.",
    )
    clusterer: str = Field(
        default="minibatch_kmeans", description="One of minibatch_kmeans, hdbscan and agglomerative."
    )
    k: int | None = Field(default=None, ge=1, description="Number of clusters. By default a rule decides (MINE-10).")
    rare_join: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="N-grams past max_embedded join the nearest cluster at this cosine or more (MINE-16); off by default.",
    )
    max_joined: int = Field(default=50_000, ge=1, description="Largest number of n-grams tried for joining (MINE-16).")
    top_clusters: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="Share of clusters that are kept, by cluster document frequency. The paper has 0.2.",
    )
    include_incorrect: bool = Field(default=False, description="Mine all solutions, not only the correct ones.")
    seed: int = Field(default=0, ge=0, lt=2**32, description="Seed of the clustering.")

    @model_validator(mode="after")
    def _ordered(self) -> MineSettings:
        if self.n_min > self.n_max:
            raise ValueError(f"n_min {self.n_min} is larger than n_max {self.n_max}")
        if self.contrast is not None and self.include_incorrect:
            raise ValueError("contrast compares with incorrect solutions, so include_incorrect must be false")
        return self

    def resolved(self) -> MineSettings:
        """Returns the settings with the embedder named."""
        from hicra.mining.embedders.open import default_embedder  # its modules are heavy, and only this needs them

        return self.model_copy(update={"embedder": self.embedder or default_embedder()})


PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "sparse": {"burstiness": 0.25, "clusterer": "agglomerative", "max_embedded": 5000},
}
"""Named settings, each as what differs from the defaults: `paper` leaves the defaults; of the settings that the paper's text
allows, `sparse` found planning best (studies/mining-settings)."""


def preset_of(name: str) -> dict[str, Any]:
    """Returns the settings of a preset that differ from the defaults.

    Raises:
        ConfigError: the preset is unknown.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}", did_you_mean(name, PRESETS))
    return dict(PRESETS[name])


def preset(name: str, given: Mapping[str, Any] | None = None) -> MineSettings:
    """Returns the settings of a preset, with those in `given` over them.

    Raises:
        ConfigError: the preset is unknown.
        pydantic.ValidationError: a setting is unknown or out of its range.
    """
    return MineSettings(**{**preset_of(name), **(given or {})})
