"""What tells the problems of a task from others: all of them as they are asked, and the verifier that judges."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hicra import verify
from hicra.artifacts import canonical_json, sha256_bytes
from hicra.tasks.base import Row, Task


def hashes_of(task: Task, splits: Sequence[str] = ("train", "eval")) -> dict[str, str]:
    """Hashes what runs must share to be compared: all problems as they are asked (data and prompts), and the verifier."""
    rows = hashlib.sha256()
    for split in splits:
        for row in task.rows(split, seed=0):
            rows.update(canonical_json([split, _as_json(row)], indent=None).encode())
    return {
        "rows": rows.hexdigest(),
        "verifier": sha256_bytes(canonical_json(verify.versions()).encode()),
    }


def _as_json(row: Row) -> Row:
    """Returns a row with the hashes of its images in their place."""
    return row | {"images": [sha256_bytes(one) for one in row["images"]]} if row.get("images") else row
