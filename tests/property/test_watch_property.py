"""Whatever a writer writes in which pieces, a follower reads each whole line once; texts are cut at spans without a loss."""

import itertools
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from hicra.drawing.lit import pieces
from hicra.drawing.readable import harmless
from hicra.runs import RunFolder
from hicra.runs.follow import Follower
from hicra.watch.spark import BLOCKS, spark

TEXTS = st.text(max_size=30)
SPANS = st.lists(st.fixed_dictionaries({"start": st.integers(-2, 32), "end": st.integers(-2, 32)}), max_size=6)


@settings(max_examples=15, deadline=None)
@given(rows=st.lists(st.dictionaries(TEXTS, st.none() | st.integers(0, 9), max_size=2), max_size=5), data=st.data())
def test_each_whole_line_comes_once(rows, data, tmp_path_factory):
    run = RunFolder.create(tmp_path_factory.mktemp("run") / "run", method="none", seed=0, config={})
    written = b"".join(json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n" for row in rows)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(written)), max_size=4)))
    follower, found = Follower(run), []
    for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True):
        with open(run.path / "metrics.jsonl", "ab") as file:
            file.write(written[start:end])
        news = follower.look()
        assert not news.again
        found += news.rows
    assert found == run.metrics()
    assert len(found) == len(rows)


@given(text=TEXTS, spans=SPANS)
def test_pieces_are_the_text_and_lit_where_a_span_is(text, spans):
    cut = pieces(text, spans)
    assert "".join(part for part, _ in cut) == text
    assert all(part for part, _ in cut)
    assert all(a[1] != b[1] for a, b in itertools.pairwise(cut))
    lit = [on for part, on in cut for _ in part]
    right = [one for one in spans if 0 <= one["start"] < one["end"] <= len(text)]
    assert lit == [any(one["start"] <= at < one["end"] for one in right) for at in range(len(text))]


@given(text=st.text(st.characters(codec=None), max_size=30))
def test_a_harmless_text_keeps_its_offsets(text):
    made = harmless(text)
    assert len(made) == len(text)
    assert harmless(made) == made
    assert all(a == b for a, b in zip(text, made, strict=True) if a.isprintable() or a == "\n")
    assert not any((ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 for c in made)


@given(values=st.lists(st.none() | st.floats(-1e6, 1e6), max_size=40), width=st.integers(0, 30))
def test_a_spark_line_has_a_place_for_each_step_that_it_has_room_for(values, width):
    drawn = spark(values, width)
    assert len(drawn) == min(width, len(values))
    assert set(drawn) <= {*BLOCKS, " "}
    if len(values) <= width:
        assert [c == " " for c in drawn] == [value is None for value in values]
