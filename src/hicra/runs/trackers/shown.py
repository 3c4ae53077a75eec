"""Some rollouts of a step with their planning spans lit, as an HTML page and as Markdown.

Text of rollouts is hostile: in the page it is escaped, and the page's own policy lets nothing load and no script run; in Markdown
each character that could begin a mark is escaped.
"""

from __future__ import annotations

import html
import re
from typing import Any

import polars as pl

from hicra.drawing.lit import pieces
from hicra.drawing.readable import counted, harmless, number, shorten

MOST = 8
LONGEST = 600  # characters of a prompt
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 1rem; max-width: 60rem }}
p {{ white-space: pre-wrap; overflow-wrap: anywhere; color: GrayText }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit }}
h2 {{ font-size: 1rem; margin: 1.5rem 0 0 }}
mark {{ background: #f5c542; color: #1a1a1a; border-radius: 2px }}
</style></head><body><h1>{title}</h1>
{body}</body></html>
"""


def chosen(table: pl.DataFrame) -> pl.DataFrame:
    """Returns the rollouts that are shown: the first mixed group, from which a step learns, or else the first rows."""
    if {"group_id", "reward"} <= {*table.columns}:
        known = table.drop_nulls(["group_id", "reward"])
        mixed = known.filter(pl.col("reward").n_unique().over("group_id") > 1)
        if mixed.height:
            table = table.filter(pl.col("group_id") == mixed["group_id"][0])
    return table.head(MOST)


def as_html(step: int, table: pl.DataFrame) -> str:
    """Makes a page of some rollouts of a step; columns as in a run folder, of which most may be absent."""
    body, prompt = "", None
    rows = chosen(table).to_dicts()
    for row in rows:
        if (asked := prompt_of(row)) != prompt:
            prompt = asked
            body += f"<p>{html.escape(asked)}</p>\n"
        text = "".join(
            f"<mark>{html.escape(part)}</mark>" if lit else html.escape(part) for part, lit in lit_response(row)
        )
        body += f"<h2>{html.escape(heading(row))}</h2>\n<pre>{text}</pre>\n"
    return _PAGE.format(title=html.escape(title(step, len(rows), table.height)), body=body)


def as_markdown(step: int, table: pl.DataFrame) -> str:
    """Makes the same in Markdown; spans are bold."""
    rows = chosen(table).to_dicts()
    said, prompt = [f"### {escaped(title(step, len(rows), table.height))}"], None
    for row in rows:
        if (asked := prompt_of(row)) != prompt:
            prompt = asked
            said.append(escaped(asked).replace("\n", "  \n"))
        text = "".join(f"**{escaped(part)}**" if lit else escaped(part) for part, lit in lit_response(row))
        said.append(f"#### {escaped(heading(row))}\n\n" + text.replace("\n", "  \n"))
    return "\n\n".join(said) + "\n"


def title(step: int, shown: int, rows: int) -> str:
    """Says which step it is, and how many of its rollouts are shown."""
    return f"Step {step}: {counted(rows, 'rollout')}" if shown == rows else f"Step {step}: {shown} of {rows} rollouts"


def prompt_of(row: dict[str, Any]) -> str:
    """Returns the prompt of a rollout, harmless and cut to `LONGEST` characters; empty where none was saved."""
    prompt = row.get("prompt")
    return shorten(harmless(prompt), LONGEST) if isinstance(prompt, str) else ""


def heading(row: dict[str, Any]) -> str:
    """Says of a rollout its id, whether it is right, its reward and its advantage before shaping; in one line, harmless.

    >>> heading({"id": "7#1", "correct": True, "reward": 1.0, "advantage": -0.25})
    '7#1, right, reward 1, advantage −0.25'
    """
    said = [] if row.get("id") is None else [str(row["id"])]
    correct = row.get("correct")
    said += ["right" if correct else "wrong"] if isinstance(correct, bool) else []
    for name in ("reward", "advantage"):
        value = row.get(name)
        said += [f"{name} {number(float(value))}"] if isinstance(value, int | float) else []
    return harmless(", ".join(said) or "rollout").replace("\n", " ")


def lit_response(row: dict[str, Any]) -> list[tuple[str, bool]]:
    """Returns the response in pieces (text, whether a span lights it), harmless on a terminal."""
    response, spans = row.get("response"), row.get("spans")
    text = harmless(response) if isinstance(response, str) else ""
    return pieces(text, spans if isinstance(spans, list) else ())


def escaped(text: str) -> str:
    """Escapes every character of ASCII that may mean something in Markdown.

    >>> escaped("*a* <b>")
    '\\\\*a\\\\* \\\\<b\\\\>'
    """
    return _MARKS.sub(r"\\\1", text)
