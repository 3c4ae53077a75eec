"""What a format is: how its rows are known, and how they become responses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hicra.corpus.fields import CHECKS, Fields, Response, finish, kind_of
from hicra.corpus.mapping import smallest_right, value_at
from hicra.corpus.strict_json import BadRow

Decode = Callable[[Sequence[int]], str]


@dataclass
class Context:
    """Holds what is known of a file beside its rows.

    Attributes:
        path: the file; some writers put the step into its name.
        mapping: canonical name -> the column that the user said it is.
        decode: turns token ids into text; None without a tokenizer.
        floats: columns of a parquet file whose type is float.
        met: the fields of `mapping` whose column was there in a row.
    """

    path: Path
    mapping: Mapping[str, str] = field(default_factory=dict)
    decode: Decode | None = None
    floats: frozenset[str] = frozenset()
    met: set[str] = field(default_factory=set)

    def text_of(self, ids: Any, key: str) -> str | None:
        """Returns the text of token ids, or None where there is no tokenizer or no ids. Raises BadRow where they are none."""
        return None if self.decode is None or ids is None else self.decode(CHECKS["token_ids"](ids, key))

    def respond(
        self,
        row: Mapping[str, Any],
        fields: Fields,
        *,
        part: int = 0,
        parts: int = 0,
        key: Any = None,
        judged: bool = True,
    ) -> Response:
        """Returns a response of a row that a writer is known for.

        Where it has token ids and no text, the text is that of the ids; without a group of its own, its question is its group.

        Args:
            row: as it was read; the columns of `mapping` go over the fields.
            part, parts: which of how many responses in a list it is; 0 parts where its row holds one and no list.
            fields, key, judged: as for `finish`.

        Raises:
            BadRow: a value that its field does not allow, or neither text nor token ids.
        """
        fields = self.mapped(row, fields, part, parts)
        text, source = fields.get("response", (None, "the response"))
        if text is None:
            ids, of_ids = fields.get("token_ids", (None, ""))
            if ids is None:
                raise BadRow(f"no text: {source} is null")
            fields["response"] = (self.text_of(ids, of_ids), of_ids)
        made = finish(fields, key, judged)
        if made.values.get("group_id") is None and "question" in made.values:
            made.values["group_id"], made.taken["group_id"] = made.values["question"], made.taken["question"]
        return made

    def mapped(self, row: Mapping[str, Any], fields: Fields, part: int = 0, parts: int = 0) -> Fields:
        """Returns the fields with those of `mapping` in their place; of a list with one value a response, its own."""
        for ours, theirs in self.mapping.items():
            rule = smallest_right(theirs) if ours == "correct" and theirs not in row else None
            there, value = value_at(row, theirs if rule is None else rule[0])
            if there:
                self.met.add(ours)
            if ours in CHECKS:
                value = own(value, part, parts)
                fields[ours] = (value if rule is None else _from(value, *rule), theirs)
        verdict, judge = fields.get("correct", (None, ""))
        if (
            "correct" in self.mapping
            and "reward" not in self.mapping
            and type(verdict) is bool
            and fields.get("reward") == (verdict, judge)
        ):
            del fields["reward"]  # the user says that this column of true and false is no reward
        return fields


def _from(value: Any, column: str, smallest: float) -> bool | None:
    """Returns whether a reward is at least the smallest that is right; None for null. Raises BadRow where it is no number."""
    reward = None if value is None else CHECKS["reward"](value, column)
    return None if reward is None else reward >= smallest


@dataclass(frozen=True)
class Format:
    """Describes the layout of one writer.

    Attributes:
        name: the writer, as `format` says it.
        rows: turns a row that has `needs` into its responses; raises BadRow.
        needs: columns that all of its rows have. one_of: at least one of these as well. never: none of these.
        floats: whether it is a parquet file with float columns.
    """

    name: str
    rows: Callable[[dict[str, Any], Context], list[Response]]
    needs: frozenset[str]
    one_of: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    floats: bool = False

    def responses(self, row: dict[str, Any], context: Context) -> list[Response]:
        """Returns the responses of a row. Raises BadRow, also where the row lacks a column that all rows of the format have."""
        if lacks := sorted(self.needs - row.keys()):
            raise BadRow(f"no {' and no '.join(map(repr, lacks))}, which every row of {self.name} has")
        return self.rows(row, context)

    def fits(self, keys: Collection[str], floats: Collection[str]) -> bool:
        """Says whether a file with these columns is of this format."""
        found = frozenset(keys)
        return (
            self.needs <= found
            and (not self.one_of or bool(self.one_of & found))
            and not self.never & found
            and (not self.floats or bool(floats))
        )


def layout(*needs: str) -> frozenset[str]:
    """Returns names of columns as a set."""
    return frozenset(needs)


def own(value: Any, part: int, parts: int) -> Any:
    """Returns what a row with a list of responses says of one of them: its entry of a list of that length, else the value."""
    return value[part] if parts and type(value) is list and len(value) == parts else value


def inner(row: Any, *names: str) -> Any:
    """Returns a value inside objects, or None where one of them is absent or no object."""
    for name in names:
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def object_of(value: Any, key: str) -> dict[str, Any]:
    """Returns an object, empty for null. Raises BadRow where it is none."""
    if value is not None and type(value) is not dict:
        raise BadRow(f"{key} must be an object, not {kind_of(value)}")
    return value or {}


def present(row: Mapping[str, Any], **fields: str) -> Fields:
    """Returns the fields whose columns a row has."""
    return {name: (row[key], key) for name, key in fields.items() if key in row}
