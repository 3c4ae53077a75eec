"""Settings of mining. Each choice the paper leaves open is one of them; docs/mining.md numbers them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from hicra.errors import ConfigError, did_you_mean
from hicra.mining.embedders.open import default_embedder
from hicra.strict import Strict


class MineSettings(Strict):
    """Settings of mining; all of them are recorded in the lexicon."""

    n_min: int = Field(default=3, ge=1, le=8, description="words of the shortest n-gram (paper: 3)")
    n_max: int = Field(default=5, ge=1, le=8, description="words of the longest n-gram (paper: 5)")
    min_df: int = Field(default=2, ge=1, description="solutions (or questions, see `count`) that must hold an n-gram")
    count: Literal["solutions", "questions"] = Field(
        default="solutions", description="what a document frequency counts: distinct solutions, or distinct questions"
    )
    near_duplicates: Literal["keep", "merge"] = Field(
        default="keep", description="merge: solutions that differ only in numbers, formulas or punctuation count once"
    )
    across_questions: bool = Field(default=True, description="an n-gram must occur for two different questions (D12)")
    closed: bool = Field(default=True, description="drop n-grams that always stand inside one longer n-gram (D5)")
    max_per_doc: float | None = Field(
        default=None, ge=1, description="largest mean number of occurrences per solution that holds the n-gram (D13)"
    )
    burstiness: float | None = Field(
        default=None, gt=0, description="largest residual inverse document frequency, in bits (D14); null: off"
    )
    contrast: float | None = Field(
        default=None, gt=0, description="least ratio of rates in correct to incorrect solutions (D15); null: off"
    )
    max_embedded: int = Field(default=10_000, ge=1, description="most n-grams that are embedded (D6)")
    embedder: str | None = Field(
        default=None,
        description="hashing, minilm, wordllama, model2vec:FOLDER, or FILE.parquet with columns gram, vector; "
        "null: minilm where installed, else hashing",
    )
    clusterer: str = Field(default="minibatch_kmeans", description="minibatch_kmeans, hdbscan or agglomerative")
    k: int | None = Field(default=None, ge=1, description="number of clusters; null: by rule (D10)")
    rare_join: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="n-grams past max_embedded join the nearest cluster at this cosine or more (D16); null: they do not",
    )
    max_joined: int = Field(default=50_000, ge=1, description="most n-grams tried for joining (D16)")
    top_clusters: float = Field(
        default=0.2, gt=0, le=1, description="share of clusters kept, by cluster DF (paper: 0.2)"
    )
    include_incorrect: bool = Field(default=False, description="mine all solutions, not only the correct ones")
    seed: int = Field(default=0, ge=0, lt=2**32, description="of the clustering")

    @model_validator(mode="after")
    def _ordered(self) -> MineSettings:
        if self.n_min > self.n_max:
            raise ValueError(f"n_min {self.n_min} is larger than n_max {self.n_max}")
        if self.contrast is not None and self.include_incorrect:
            raise ValueError("contrast compares with incorrect solutions, so include_incorrect must be false")
        return self

    def resolved(self) -> MineSettings:
        """The settings with the embedder named."""
        return self.model_copy(update={"embedder": self.embedder or default_embedder()})


PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "sparse": {"burstiness": 0.25, "clusterer": "agglomerative", "max_embedded": 5000},
}
"""Named settings, what differs from the defaults: `sparse` finds planning best of all that was tried within the paper's
text (studies/mining-settings), `paper` leaves the defaults."""


def preset_of(name: str) -> dict[str, Any]:
    """The settings of a preset that differ from the defaults.

    Raises:
        ConfigError: unknown preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset {name!r}", did_you_mean(name, PRESETS))
    return dict(PRESETS[name])


def preset(name: str, given: Mapping[str, Any] | None = None) -> MineSettings:
    """The settings of a preset, with those in `given` over them.

    Raises:
        ConfigError: unknown preset. pydantic.ValidationError: a setting is unknown or out of its range.
    """
    return MineSettings(**{**preset_of(name), **(given or {})})
