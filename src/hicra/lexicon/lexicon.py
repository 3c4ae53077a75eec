"""A lexicon holds strategic grams and where they came from: mining makes it, tagging uses it.

On disk it is a folder (schema 1) of `lexicon.json` and `grams.parquet`; a text file with one phrase a line and the
built-in names are read as well, and so are dataset repositories of the hub (hub.py; card.py writes what stands on their page).
Grams are kept folded and sorted, so that equal content has equal bytes and one hash.

Deviations:
LEXICON-1. The paper's text asks for phrases of 3 to 5 words; its printed list holds phrases of 1 to 6. `paper` is the list as
    printed (249 phrases), `paper-n3` holds those of three and more words between white space (185).
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl

from hicra.artifacts import atomic_dir, canonical_json, check_output, sha256_bytes
from hicra.errors import ArtifactError, ConfigError, DataError, did_you_mean
from hicra.lexicon import hub
from hicra.lexicon.files import KIND, MINE_AGAIN, SCHEMA_VERSION, read_folder, text_lines
from hicra.text.fold import canonical_gram, fold
from hicra.text.words import count_words
from hicra.version import __version__

SCHEMA = {
    "gram": pl.String,
    "n": pl.Int64,
    "cluster": pl.Int64,
    "cluster_df": pl.Int64,
    "doc_freq": pl.Int64,
    "mean_per_doc": pl.Float64,
    "weight": pl.Float64,
}
PAPER_LICENCE = "CC BY 4.0, Wang et al. 2025, arXiv:2509.03646v3, Listing 1"

_SURROGATE = re.compile("[\ud800-\udfff]")


class Lexicon:
    """Holds a sorted set of folded grams with their statistics.

    Attributes:
        name: what messages and reports call it.
        table: one row a gram, columns of `SCHEMA`; statistics are null where unknown.
        threshold: for `unit="sentence"`: a sentence is planning when the weights of its grams sum to more than this; None
            without weights.
        meta: settings, statistics, source and licence, as `lexicon.json` holds them.
        duplicates: how many phrases were folded to one gram, for the grams of several; not part of the content.
    """

    duplicates: dict[str, int]

    def __init__(self, name: str, table: pl.DataFrame, threshold: float | None, meta: Mapping[str, Any]) -> None:
        self.name, self.table, self.threshold, self.meta = name, table, threshold, dict(meta)
        self.duplicates = {}

    # ---- making one
    @classmethod
    def from_phrases(cls, phrases: Iterable[str], *, name: str = "phrases", licence: str | None = None) -> Lexicon:
        """Makes a lexicon of bare phrases, folded; phrases that fold to the same gram become one, and are in `duplicates`.

        Raises:
            DataError: `phrases` is one string, there is no phrase, or a phrase is no string, has no character or half a
                character (a lone surrogate).
        """
        if isinstance(phrases, str | bytes) or not isinstance(phrases, Iterable):
            raise DataError(f"phrases of type {type(phrases).__name__}", "give a list of strings")
        phrases = list(phrases)
        if (odd := next((row for row, one in enumerate(phrases) if not isinstance(one, str)), None)) is not None:
            raise DataError(
                f"phrase {odd} of lexicon {name!r} is of type {type(phrases[odd]).__name__}", "give a list of strings"
            )
        grams = canonical_grams(phrases)
        if (bad := next((row for row, gram in enumerate(grams) if _SURROGATE.search(gram)), None)) is not None:
            raise DataError(f"phrase {bad} of lexicon {name!r} is no text: {grams[bad]!r}", "remove the phrase")
        if "" in grams:
            raise DataError(f"phrase {grams.index('')} of lexicon {name!r} is empty", "remove the phrase")
        times = Counter(grams)
        lexicon = cls.from_table(
            pl.DataFrame({"gram": sorted(times)}, schema={"gram": pl.String}), name=name, licence=licence
        )
        lexicon.duplicates = {gram: count for gram, count in sorted(times.items()) if count > 1}
        return lexicon

    @classmethod
    def from_table(
        cls,
        table: pl.DataFrame,
        *,
        name: str,
        settings: Mapping[str, Any] | None = None,
        statistics: Mapping[str, Any] | None = None,
        source: Sequence[str] = (),
        licence: str | None = None,
        threshold: float | None = None,
    ) -> Lexicon:
        """Makes a lexicon from a table with the columns of `SCHEMA` (absent ones are null; `n` is counted).

        Raises:
            DataError: there is no gram, a gram is not in folded form or occurs twice, or a column is of another type.
        """
        if table.is_empty():
            raise DataError(f"lexicon {name!r} holds no gram", "give it phrases, or mine with a lower --min-df")
        _check_columns(table, name)
        grams = table["gram"].to_list()
        if None in grams:
            raise DataError(f"lexicon {name!r}: row {grams.index(None)} has no gram", "leave the row out")
        for gram, folded in zip(grams, canonical_grams(grams), strict=True):
            if gram != folded or not gram:
                raise DataError(f"lexicon {name!r}: gram {gram!r} is not in folded form", f"write it {folded!r}")
        if table["gram"].n_unique() < table.height:
            twice = table.group_by("gram").len().filter(pl.col("len") > 1)["gram"].sort()
            raise DataError(f"lexicon {name!r}: gram {twice[0]!r} occurs twice", "keep one of them")
        n = [count_words(gram) for gram in grams]
        have = [column for column in SCHEMA if column in table.columns]
        missing = [pl.lit(None, dtype).alias(column) for column, dtype in SCHEMA.items() if column not in table.columns]
        table = table.select(have).with_columns(missing).with_columns(pl.Series("n", n, pl.Int64))
        table = table.select(pl.col(column).cast(dtype) for column, dtype in SCHEMA.items()).sort("gram")
        meta = {
            "settings": settings or {},
            "statistics": statistics or {},
            "source": sorted(set(source)),
            "licence": licence,
        }
        return cls(name, table, threshold, meta)

    # ---- reading and writing
    @classmethod
    def load(cls, path_or_name: str | Path) -> Lexicon:
        """Loads a built-in lexicon by name, a folder made by `mine` or `fit`, or a text file with one phrase a line.

        A name `hub:OWNER/NAME@REVISION` is loaded from the hub, as by `from_pretrained`; no other name uses the network.

        Raises:
            ConfigError: it is neither a built-in nor an existing path, or of a type that can be neither.
            ArtifactError: the folder is damaged, or the hub does not answer.
            DataError: the text file cannot be read, or holds rows instead of phrases.
        """
        if not isinstance(path_or_name, str | os.PathLike):
            raise ConfigError(
                f"a lexicon of type {type(path_or_name).__name__}",
                f"give a path or one of the names {', '.join(sorted(BUILT_IN))}",
            )
        if str(path_or_name) in BUILT_IN:
            return BUILT_IN[str(path_or_name)]()
        if str(path_or_name).startswith(hub.PREFIX):
            return cls.from_pretrained(path_or_name)
        path = Path(path_or_name)
        if path.is_dir():
            return cls._load_folder(path)
        if path.is_file():
            return cls._load_text(path)
        repo = f"; the one on the hub is hub:{path_or_name}" if hub.is_repo(str(path_or_name)) else ""
        raise ConfigError(
            f"no lexicon {str(path_or_name)!r}: it is neither a built-in, nor a folder, nor a file",
            f"{did_you_mean(str(path_or_name), BUILT_IN)}; `hicra mine PATH -o LEXICON` makes one{repo}",
        )

    @classmethod
    def from_pretrained(
        cls, path_or_repo: str | Path, revision: str | None = None, *, say: Callable[[str], None] = hub.tell
    ) -> Lexicon:
        """Loads a lexicon folder, or a dataset repository of the hub; only for the second it uses the network, and says so.

        Args:
            path_or_repo: a folder (or whatever `load` takes), or OWNER/NAME, or hub:OWNER/NAME@REVISION. What exists as a path
                is a path, unless `hub:` stands before it.
            revision: branch, tag or commit of the repository; None takes the newest of main. Name a commit where the same
                grams must come again.
            say: is called with a line before the network is used; by default it is printed on stderr.

        Raises:
            ConfigError: there is no such path or repository, a path has a revision, or `huggingface_hub` is not installed.
            ArtifactError: the repository holds no lexicon or a damaged one, or the hub does not answer.
        """
        name = str(path_or_repo)
        if not name.startswith(hub.PREFIX) and (name in BUILT_IN or Path(name).exists() or not hub.is_repo(name)):
            if revision is not None:
                raise ConfigError(f"{name} is no repository, so it has no revision", "leave out the revision")
            return cls.load(path_or_repo)
        address = hub.address_of(name, revision)
        folder = hub.fetch(address, say)
        try:
            return cls._load_folder(folder, address.repo)
        except ArtifactError as error:
            raise ArtifactError(
                f"{address}: {error.message}", f"remove {folder} and load it again, or ask its owner to push it again"
            ) from None

    @classmethod
    def _load_text(cls, path: Path) -> Lexicon:
        phrases = [phrase for phrase in canonical_grams(text_lines(path)) if phrase]
        if not phrases:
            raise DataError(f"{path} holds no phrase", "write one phrase a line")
        return cls.from_phrases(phrases, name=path.stem)

    @classmethod
    def _load_folder(cls, path: Path, name: str | None = None) -> Lexicon:
        manifest, table = read_folder(path)
        try:
            lexicon = cls.from_table(
                table, name=name or path.name, threshold=manifest.get("threshold"), licence=manifest.get("licence"),
                settings=manifest.get("settings"), statistics=manifest.get("statistics"),
                source=manifest.get("source") or (),
            )  # fmt: skip
        except DataError as error:
            raise ArtifactError(f"{path / 'grams.parquet'} is damaged: {error.message}", MINE_AGAIN) from None
        if lexicon.content_hash != manifest.get("content_hash"):
            raise ArtifactError(
                f"{path}: grams.parquet does not have the content hash that lexicon.json states",
                "copy or mine the lexicon again",
            )
        return lexicon

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Writes the folder; the same lexicon gives the same bytes.

        Args:
            path: the folder, which must be absent or empty.
            overwrite: whether it may be replaced where it is neither.

        Raises:
            ArtifactError: `path` exists and is not empty, or cannot be written.
        """
        path = Path(path)
        check_output(path, "the lexicon", overwrite=overwrite, folder=True)
        with atomic_dir(path, overwrite) as temporary:
            self._write(temporary)
        return path

    def save_pretrained(
        self, path: str | Path, *, overwrite: bool = False, measured: Sequence[Mapping[str, Any]] = (), repo: str = ""
    ) -> Path:
        """Writes the folder with a card (README.md) beside it: what `push_to_hub` publishes. `load` reads it as any other.

        Args:
            path, overwrite: as for `save`.
            measured: what the card says of coverage and of agreement with people: the JSON objects of `hicra tag`, `hicra
                lexicon score` and `hicra lexicon agree` for this lexicon (see `hicra.lexicon.card`).
            repo: OWNER/NAME of the repository that it is for, which the card names in its commands.

        Raises:
            ConfigError: `huggingface_hub`, which makes the card's head, is not installed.
            DataError: a measurement is of another lexicon, or is none that the card knows.
            ArtifactError: as for `save`.
        """
        from hicra.lexicon.card import card

        path = Path(path)
        check_output(path, "the lexicon", overwrite=overwrite, folder=True)
        text = card(self, measured, repo)
        with atomic_dir(path, overwrite) as temporary:
            self._write(temporary)
            (temporary / hub.CARD).write_text(text, encoding="utf-8")
        return path

    def push_to_hub(
        self,
        repo: str,
        *,
        private: bool = False,
        measured: Sequence[Mapping[str, Any]] = (),
        say: Callable[[str], None] = hub.tell,
    ) -> hub.Pushed:
        """Writes the lexicon and its card into a dataset repository of the hub, which is made where it is absent.

        Args:
            repo: OWNER/NAME.
            private: whether a repository that is made is private.
            measured, say: as for `save_pretrained` and `from_pretrained`.

        Returns:
            The repository, the commit, and its page; `.address` is the name that loads exactly this lexicon again.

        Raises:
            ConfigError: the name is no repository, you may not write there, or `huggingface_hub` is not installed.
            DataError: as for `save_pretrained`.
            ArtifactError: the hub does not answer.
        """
        repo = hub.repo_of(repo)
        with tempfile.TemporaryDirectory() as above:
            folder = self.save_pretrained(Path(above) / "lexicon", measured=measured, repo=repo)
            message = f"Lexicon {self.name}: {len(self)} grams, sha256 {self.content_hash[:12]}"
            return hub.publish(folder, repo, private=private, message=message, say=say)

    def _write(self, folder: Path) -> None:
        self.table.write_parquet(folder / "grams.parquet", compression="zstd", compression_level=3, statistics=False)
        manifest = {
            "kind": KIND, "schema_version": SCHEMA_VERSION, "hicra": __version__, "name": self.name,
            "threshold": self.threshold, "content_hash": self.content_hash, **self.meta,
        }  # fmt: skip
        (folder / "lexicon.json").write_text(canonical_json(manifest), encoding="utf-8")

    # ---- looking inside
    @property
    def default_unit(self) -> str:
        """The span type that the lexicon is made for: `sentence` with weights and a threshold, else `gram`."""
        return "gram" if self.threshold is None else "sentence"

    @property
    def phrases(self) -> list[str]:
        """The grams, folded and sorted."""
        return self.table["gram"].to_list()

    def __len__(self) -> int:
        return self.table.height

    @property
    def clusters(self) -> int:
        """The number of clusters; a gram without one counts as its own."""
        known = self.table["cluster"].drop_nulls()
        return known.n_unique() + self.table["cluster"].null_count()

    @property
    def content_hash(self) -> str:
        """The hex sha256 over all that tagging and metrics depend on: grams, statistics, weights and threshold."""
        # `n` follows from the gram; its place keeps the count of spaces that it once was, so that no hash changes
        spaces = pl.col("gram").str.count_matches(" ", literal=True).cast(pl.Int64) + 1
        lines = [json.dumps(row, ensure_ascii=False) for row in self.table.with_columns(n=spaces).rows()]
        return sha256_bytes("\n".join([json.dumps(self.threshold), *lines]).encode())

    def diff(self, other: Lexicon) -> dict[str, Any]:
        """Compares with `other`: what it adds and what it lacks, as counts, the Jaccard index, and the grams themselves."""
        mine, theirs = set(self.phrases), set(other.phrases)
        return {
            "added": len(theirs - mine),
            "removed": len(mine - theirs),
            "common": len(mine & theirs),
            "jaccard": len(mine & theirs) / len(mine | theirs),
            "added_grams": sorted(theirs - mine),
            "removed_grams": sorted(mine - theirs),
        }


def _check_columns(table: pl.DataFrame, name: str) -> None:
    """Raises DataError where a column of `SCHEMA` is of a type that holds other things."""
    for column, dtype in SCHEMA.items():
        if column not in table.columns:
            continue
        found = table.schema[column]
        fits = {pl.String: found == pl.String, pl.Int64: found.is_integer(), pl.Float64: found.is_numeric()}[dtype]
        if not fits and found != pl.Null:
            raise DataError(f"lexicon {name!r}: column {column!r} holds {found}, not {dtype}", f"give it as {dtype}")
        if dtype == pl.Float64 and found.is_float() and not table[column].drop_nulls().is_finite().all():
            raise DataError(
                f"lexicon {name!r}: column {column!r} holds a value that is no finite number", "leave it null"
            )


def canonical_grams(phrases: Sequence[str]) -> list[str]:
    """Returns `canonical_gram` of each phrase; all are folded at once."""
    if any("\x00" in phrase for phrase in phrases):
        return [canonical_gram(phrase) for phrase in phrases]
    return [gram.strip(" ") for gram in fold("\x00".join(phrases)).split("\x00")] if phrases else []


def _paper(least_words: int, name: str) -> Lexicon:
    text = resources.files("hicra.lexicon").joinpath("data/paper_listing1.txt").read_text(encoding="utf-8")
    phrases = [line for line in text.split("\n") if line and len(line.split()) >= least_words]
    return Lexicon.from_phrases(phrases, name=name, licence=PAPER_LICENCE)


def _packaged(name: str) -> Lexicon:
    with resources.as_file(resources.files("hicra.lexicon").joinpath("data", name)) as folder:
        return Lexicon._load_folder(folder)


BUILT_IN: dict[str, Callable[[], Lexicon]] = {
    "paper": lambda: _paper(1, "paper"),
    "paper-n3": lambda: _paper(3, "paper-n3"),
    "planning": lambda: _packaged("planning"),
}
