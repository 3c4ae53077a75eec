"""Holds the settings of mining. Each choice that the paper leaves open is one of them, as docs/deviations.md explains.

Deviations:
MINE-20. The paper has English alone. In a script without spaces a word is about one and a half letters long, so an n-gram that
    holds a letter of one is mined from 4 to 8 words of the tagging rule (`letters_min`, `letters_max`), of which each such letter
    is one. A length that is given for all n-grams (`n_min`, `n_max`) is taken there too, unless these are given as well.
MINE-22. The paper says that strategic n-grams are frequent across solutions and sparse within one, and its three steps use the
    first half only. The defaults use both: `burstiness` is 0.25. With it, average linkage of the 5,000 most frequent n-grams
    found planning better than k-means of 10,000, also on labels that did not choose it (docs/evidence/mining.md). The preset
    `paper` has the three steps alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from hicra.errors import ConfigError, did_you_mean
from hicra.strict import Strict

if TYPE_CHECKING:
    from hicra.mining.counting.ngrams import CountRule


LETTERS_MIN, LETTERS_MAX = 4, 8


class MineSettings(Strict):
    """Settings of mining; all of them are recorded in the lexicon."""

    n_min: int = Field(default=3, ge=1, le=8, description="Words of the shortest n-gram. The paper has 3.")
    n_max: int = Field(default=5, ge=1, le=8, description="Words of the longest n-gram. The paper has 5.")
    letters_min: int | None = Field(
        default=None,
        ge=1,
        le=16,
        description="Letters of the shortest n-gram in a script without spaces (MINE-20). By default n_min where that is given, "
        "else 4.",
    )
    letters_max: int | None = Field(
        default=None,
        ge=1,
        le=16,
        description="Letters of the longest n-gram in a script without spaces. By default n_max where that is given, else 8.",
    )
    segmenter: str | None = Field(
        default=None,
        description="What cuts scripts without spaces into words: jieba, or module:function (MINE-21). By default each letter is "
        "a word.",
    )
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
        default=0.25,
        gt=0,
        description="Largest residual inverse document frequency, in bits (MINE-14, MINE-22). The preset paper has none.",
    )
    contrast: float | None = Field(
        default=None,
        gt=0,
        description="Least ratio of an n-gram's odds in correct solutions to those in incorrect ones (MINE-15); off by default.",
    )
    max_embedded: int = Field(
        default=5_000,
        ge=1,
        description="Largest number of n-grams that are embedded, the most frequent first (MINE-6).",
    )
    embedder: str | None = Field(
        default=None,
        description="One of hashing, minilm, wordllama, model2vec:FOLDER, or FILE.parquet with columns gram and vector. "
        "By default minilm where it is installed, else hashing.",
    )
    clusterer: str = Field(default="agglomerative", description="One of agglomerative, minibatch_kmeans and hdbscan.")
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
    seed: int = Field(
        default=0, ge=0, lt=2**32, description="Seed of the clustering; agglomerative and hdbscan draw nothing."
    )

    @model_validator(mode="after")
    def _ordered(self) -> MineSettings:
        if self.n_min > self.n_max:
            raise ValueError(f"n_min {self.n_min} is larger than n_max {self.n_max}")
        low, high = self.letters
        if low > high:
            raise ValueError(f"letters_min {low} is larger than letters_max {high}")
        if self.contrast is not None and self.include_incorrect:
            raise ValueError("contrast compares with incorrect solutions, so include_incorrect must be false")
        return self

    @property
    def letters(self) -> tuple[int, int]:
        """The lengths of the shortest and the longest n-gram with a letter of a script without spaces (MINE-20)."""
        low = self.letters_min or (self.n_min if "n_min" in self.model_fields_set else None)
        high = self.letters_max or (self.n_max if "n_max" in self.model_fields_set else None)
        if low is None:
            low = min(LETTERS_MIN, high or LETTERS_MIN)
        return low, max(LETTERS_MAX, low) if high is None else high

    def rule(self, by_group: bool = False, across: bool = False) -> CountRule:
        """Returns what the settings say of the n-grams that are counted."""
        from hicra.mining.counting.ngrams import CountRule  # heavy, as below

        return CountRule(self.n_min, self.n_max, self.min_df, by_group, across, *self.letters)

    def resolved(self) -> MineSettings:
        """Returns the settings with the embedder and the lengths in letters named."""
        from hicra.mining.embedders.open import default_embedder  # its modules are heavy, and only this needs them

        low, high = self.letters
        named = {"embedder": self.embedder or default_embedder(), "letters_min": low, "letters_max": high}
        return self.model_copy(update=named)


PRESETS: dict[str, dict[str, Any]] = {
    "sparse": {},
    "paper": {"burstiness": None, "clusterer": "minibatch_kmeans", "max_embedded": 10_000},
}
"""Named settings, each as what differs from the defaults: `sparse` is the defaults; `paper` has the three steps of the paper and
nothing for "sparse within one solution" (MINE-22)."""


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
