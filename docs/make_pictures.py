"""Draws the pictures of the docs: `python docs/make_pictures.py` writes docs/images/*.svg, the same bytes every time.

What a picture shows is computed by the code that its page explains, from examples/rollouts.jsonl, the lexicon `planning`,
studies/first-comparison/results.json or docs/images/signal.json. A test keeps the files equal to what this script draws.
"""

from __future__ import annotations

import json
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from hicra import Lexicon, Tagger, corpus, credit, metrics
from hicra.compare.analyse import analyse
from hicra.compare.plot import plot as comparison_plot
from hicra.compare.scores import Scores
from hicra.credit.losses.clipped import surrogate
from hicra.drawing import signal as signal_charts
from hicra.drawing import svg
from hicra.drawing.plot import plot
from hicra.drawing.readable import number, shorten
from hicra.drawing.scales import Scale
from hicra.mining.choose import Fate
from hicra.mining.counting.words import fold_word, split_words, word_edges
from hicra.mining.mine import MineResult, mine
from hicra.mining.settings import MineSettings
from hicra.related.classic.exits.mdp import TabularMDP
from hicra.related.classic.exits.softmax import exact_gradients
from hicra.report.charts import rollout_figure
from hicra.report.measured import measured
from hicra.report.signal import kind_sentence, model_of, steps_of
from hicra.text.sentences import sentences

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
PHRASES = ["we need to find", "let me check", "let me try another way", "let me think about this", "step by step"]
SOLUTION = "Wait, let me check the answer: 28 + 8 = 36. The answer is \\boxed{28}."
TOKENS = "Wait , \u0120let \u0120me \u0120ch eck : \u012028 \u0120+ \u01208 \u0120= \u012036 ."  # \u0120 is a space
FOREIGN = "\u0120tool\u0120output"
TOOL_CALL = f"\u0120let {FOREIGN} \u0120me \u0120ch eck : \u012028"
ALPHA = 0.2
WIDTH, PAD, LETTER = 880, 24, 7.8
LOOKS = """
.chart .mono { font: 13px var(--mono); fill: var(--ink); } .chart .dim { font: 13px var(--mono); }
.chart .lit { fill: var(--mark); } .chart .edge { stroke: var(--mark-edge); stroke-width: 2; }
.chart .hot { fill: var(--mark-edge); } .chart .cool { fill: var(--execution); } .chart .cell { fill: var(--wash); }
.chart .good { fill: var(--right); } .chart .bad { fill: var(--wrong); }
.chart .wall { stroke: var(--wrong); stroke-width: 2; stroke-dasharray: 4 3; }
.chart .before { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 4 3; }
.chart .warm { color: var(--mark-edge); } .chart .cold { color: var(--soft); }
"""


# ---- what several pictures need
def picture(height: float, title: str, inside: Sequence[str], about: str) -> str:
    """A whole file, `WIDTH` wide."""
    return plot(WIDTH, height, title, [svg.tag("style", LOOKS), *inside], about)


def head(x: float, y: float, words: str) -> str:
    """The heading of a part."""
    return svg.text(x, y, words, class_="strong")


def mono(x: float, y: float, words: str, look: str = "mono") -> str:
    """Fixed-width text that is as wide as planned, whatever font is there."""
    return svg.text(x, y, words, class_=look, textLength=LETTER * len(words), lengthAdjust="spacingAndGlyphs")


def box(x: float, y: float, words: str, lit: bool = False, width: float = 0.0) -> list[str]:
    """Words in a box, lit where they are planning; `width` is that of the words where it is 0."""
    width = width or box_width(words)
    look = "lit" if lit else "cell"
    out = [svg.tag("rect", class_=look, x=x, y=y, width=width, height=24, rx=4), mono(x + 6, y + 16.5, words)]
    return [*out, svg.line(x, y + 23, x + width, y + 23, class_="edge")] if lit else out


def box_width(words: str) -> float:
    """How wide `box` draws them."""
    return LETTER * len(words) + 12


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, as people write it."""
    return f"{value:+.{digits}f}".replace("-", "\u2212")


def examples() -> pl.DataFrame:
    """The rollouts that the pages share."""
    return corpus.read(ROOT / "examples" / "rollouts.jsonl").rows


def mined() -> MineResult:
    """What mining makes of the right ones, with the settings of docs/concepts/lexicon.md."""
    right = examples().filter(pl.col("correct"))
    settings = MineSettings(embedder="hashing", k=4, top_clusters=0.75)
    return mine(right["response"].to_list(), settings, right["question"].to_list())


# ---- the pictures
def rollout() -> str:
    """A rollout of the embedded task, tagged by the task's own phrases, with the advantage before and after shaping."""
    text = (
        "let us keep adding 18 + 7 = 5 ; 5 + 2 = 7 ; 8 - 7 = 1 ; that fails try another way "
        "let us dip climb 18 * 7 = 6 ; 6 + 2 = 8 ; 8 - 8 = 0 ; all good answer 8"
    )
    words = text.split()
    mask = np.array([_marked(words, Tagger(Lexicon.load(ROOT / "recipes" / "plan-execute" / "phrases.txt")))])
    before = np.full(mask.shape, 0.75)
    after = credit.hicra(before, mask, alpha=ALPHA)
    return rollout_figure(words, mask[0].tolist(), before[0].tolist(), after[0].tolist())


def comparison() -> str:
    """GRPO and HICRA over the seeds of the first comparison."""
    study = json.loads((ROOT / "studies" / "first-comparison" / "results.json").read_text(encoding="utf-8"))
    of_arm = study["values"]["held_out_accuracy"]
    rows = [(arm, seed, value) for arm in of_arm for seed, value in zip(study["seeds"], of_arm[arm], strict=True)]
    arms, seeds, values = zip(*rows, strict=True)
    result = analyse(Scores.from_rows(arms, seeds, None, values), "none")
    rule = "the final model on held-out problems (evaluation.json), fixed beforehand"
    return comparison_plot({"metric": "eval/accuracy", "checkpoint_rule": rule, **result})


def rollouts() -> str:
    """Lines of a file, and what reading makes of each."""
    lines = [
        '{"id": "a", "group_id": "pens", "response": "3 * 12 = 36 ...", "reward": 1}',
        '{"id": "b", "group_id": "pens", "response": "3 + 12 = 15 ...", "reward": 0}',
        '{"id": "a", "group_id": "pens", "response": "3 * 12 = 36 ...", "reward": 1}',
        '{"id": "c", "group_id": "pens", "response": "First, we n',
        '{"id": "d", "group_id": "sum", "response": "The sum is 42.", "reward": 1}',
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rollouts.jsonl"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        read = corpus.read(path, on_bad="skip", max_bad=1.0)
    bad, seen = {error["line"] for error in read.errors}, set[str]()
    out = [head(PAD, 32, "five lines of a file"), head(660, 32, "what becomes of each")]
    for at, line in enumerate(lines, 1):
        y, name = 62 + 26 * (at - 1), json.loads(line)["id"] if at not in bad else ""
        fate, look = ("skipped: half a line", "bad") if at in bad else ("kept", "good")
        if name in seen:
            fate, look = "a duplicate of line 1", "ink"
        seen.add(name)
        out += [
            svg.text(PAD + 8, y, str(at), class_="end"),
            mono(PAD + 18, y, line),
            svg.text(660, y, fate, class_=look),
        ]
    top = 62 + 26 * len(lines)
    account = f"{len(lines)} lines = {read.kept} kept + {read.skipped} skipped + {read.duplicates} duplicate"
    out += [svg.line(PAD, top - 8, WIDTH - PAD, top - 8, class_="grid"), head(PAD, top + 18, account)]
    columns = {"id": 60, "group_id": 110, "response": 170, "reward": 90, "correct": 110}
    x = PAD + 18.0
    for column, width in columns.items():
        out.append(svg.text(x, top + 50, column, class_="ink"))
        for row, value in enumerate(read.rows[column].to_list()):
            out.append(mono(x, top + 74 + 24 * row, value if isinstance(value, str) else json.dumps(value)))
        x += width
    out.append(svg.text(x, top + 74, "the file has no column `correct`,"))
    out.append(svg.text(x, top + 98, "so a reward of 0.5 or more is right"))
    return picture(top + 78 + 24 * read.kept, "From the lines of a file to rows", out, account)


def grams() -> str:
    """The words of a solution, what no n-gram crosses, and what becomes of the n-grams of its first clause."""
    out = [head(PAD, 32, "a solution, word by word: no n-gram crosses a dashed line, nor mathematics")]
    x, clauses, inside = float(PAD), list[list[str]](), False
    for raw in SOLUTION.split():
        parts = split_words(raw)
        words = [part for part in map(fold_word, parts) if part != "\0" and word_edges(part)]
        if bool(words) != inside and clauses:  # from words to mathematics, or back
            out.append(svg.line(x + 2, 42, x + 2, 78, class_="wall"))
            x += 10
        if words and not inside:
            clauses.append([])
        for word in words:
            out += box(x, 48, word)
            clauses[-1].append(word)
            x += box_width(word) + 4
        if not words:
            out.append(mono(x, 64.5, raw, "dim"))
            x += LETTER * len(raw) + 8
        inside = bool(words)
    first, chosen = clauses[0], mined().chosen
    rows = {gram: row for row, gram in enumerate(chosen.grams.text)}
    out.append(head(PAD, 112, "the n-grams of its first clause, 3 to 5 words; lit: what goes on to the next step"))
    edges = [PAD + sum(box_width(word) + 4 for word in first[:at]) for at in range(len(first) + 1)]
    y, left = 126.0, list[str]()
    for n in (3, 4, 5):
        for at in range(len(first) - n + 1):
            gram = " ".join(first[at : at + n])
            row = rows[gram]
            lit, longer = chosen.fate[row] >= Fate.NOISE, chosen.inside[row]
            out += box(edges[at], y, gram, bool(lit), edges[at + n] - edges[at] - 4)
            why = f"in {chosen.grams.doc_freq[row]} of the 8 right solutions"
            why += "" if lit else f", always inside \u201c{chosen.grams.text[longer]}\u201d"
            out.append(svg.text(330, y + 16, why, class_="ink" if lit else None))
            left += [repr(gram)] if lit else []
            y += 29
    about = f"Of the n-grams of the clause {' '.join(first)!r}, these go on to be embedded: {', '.join(left)}."
    return picture(y + 8, "From a solution to n-grams", out, about)


def lexicon() -> str:
    """Clusters of n-grams by the number of solutions that hold a member, and where they are cut."""
    result = mined()
    chosen = result.chosen
    solutions, kept = result.statistics["solutions"], result.statistics["clusters_kept"]
    out = [
        head(PAD, 32, "cluster"),
        head(240, 32, f"solutions that hold a member, of {solutions}"),
        head(560, 32, "its n-grams"),
    ]
    scale, y, said = Scale(0, solutions, 240, 490), 48.0, []
    for cluster, frequency in enumerate(chosen.cluster_df.tolist()):
        members = [gram for gram, of in zip(chosen.grams.text, chosen.cluster.tolist(), strict=True) if of == cluster]
        lit, tall = cluster < kept, 24 * len(members)
        out.append(svg.text(PAD, y + 16, f"cluster {cluster}", class_="ink"))
        out.append(svg.text(PAD + 80, y + 16, "in the lexicon" if lit else "left out", class_="good" if lit else None))
        look = "hot" if lit else "cool"
        out.append(svg.tag("rect", class_=look, x=240, y=y + 4, width=scale(frequency) - 240, height=16, rx=2))
        out.append(svg.text(scale(frequency) + 6, y + 16, str(frequency), class_="ink"))
        out += [mono(560, y + 16 + 24 * at, gram) for at, gram in enumerate(members)]
        said.append(f"{', '.join(members)}: {frequency}")
        y += tall + 10
        if cluster == kept - 1:
            out.append(svg.line(PAD, y - 4, WIDTH - PAD, y - 4, class_="wall"))
            y += 8
    return picture(
        y + 6, "From clusters to a lexicon", out, f"Cluster document frequency of {solutions}: {'; '.join(said)}."
    )


def weights() -> str:
    """Sentences on the scale of the weights' sum; what lies past the threshold is planning."""
    chosen = Lexicon.load("planning")
    weight = dict(zip(chosen.phrases, chosen.table["weight"].to_list(), strict=True))
    threshold = chosen.threshold or 0.0
    tagger = Tagger(Lexicon.from_phrases(chosen.phrases))
    texts = [examples()["response"][row] for row in (9, 13)]
    found = [text[a:b] for text in texts for a, b in sentences(text)]
    scale, y, said = Scale(-6, 6, 480, WIDTH - PAD - 40), 56.0, []
    out = [head(PAD, 32, "sentence"), head(480, 32, "sum of the weights of its grams")]
    for sentence in found:
        total = sum(weight[gram] for gram in {gram for _, _, gram in tagger.spans(sentence)})
        lit = total > threshold
        shown = shorten(sentence, 52)
        out += box(PAD, y, shown, lit)
        low, high = sorted((scale(0), scale(total)))
        out.append(svg.tag("rect", class_="hot" if lit else "cool", x=low, y=y + 4, width=high - low, height=16, rx=2))
        out.append(
            svg.text(
                high + 6 if total > 0 else low - 6, y + 16, signed(total), class_="ink" if total > 0 else "ink end"
            )
        )
        said.append(f"{sentence} {signed(total)}")
        y += 32
    out.append(svg.line(scale(threshold), 44, scale(threshold), y, class_="before"))
    out.append(svg.text(scale(threshold), y + 18, f"threshold {threshold:.3f}", class_="mid"))
    return picture(y + 32, "From weights to planning sentences", out, ". ".join(said))


def tagging() -> str:
    """Text, tokens and the planning mask; a boundary inside a gram hides it."""
    rows = {
        "every token with a byte inside a gram is a planning token": TOKENS.split(),
        "tokens that the policy did not produce are a boundary: nothing matches across them": TOOL_CALL.split(),
    }
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(f"{TOKENS} {TOOL_CALL}".split()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tagger = Tagger(Lexicon.from_phrases(["let me check"]), tokenizer)
    out, y, said = list[str](), 0.0, []
    for heading, pieces in rows.items():
        live = [piece != FOREIGN for piece in pieces]
        mask = tagger.mask(np.array([[vocabulary[piece] for piece in pieces]]), np.array([live]))[0].tolist()
        out.append(head(PAD, y + 32, heading))
        for name, at in (("token", 62), ("policy token", 88), ("planning mask", 110)):
            out.append(svg.text(PAD, y + at, name))
        x = PAD + 100.0
        for piece, own, lit in zip(pieces, live, mask, strict=True):
            shown = piece.replace("\u0120", "\u00b7")
            middle, end = x + box_width(shown) / 2, x + box_width(shown)
            out += box(x, y + 45, shown, lit)
            out.append(svg.text(middle, y + 88, str(int(own)), class_="mid" if own else "mid bad"))
            out.append(svg.text(middle, y + 110, str(int(lit)), class_="mid ink" if lit else "mid"))
            out += [svg.line(edge, y + 40, edge, y + 74, class_="wall") for edge in (x - 2, end + 2) if not own]
            x = end + 4
        said.append(f"{heading}: {' '.join(pieces)} gives {''.join(str(int(lit)) for lit in mask)}")
        y += 118
    return picture(y + 10, "From tokens to the planning mask", out, ". ".join(said))


def credit_picture() -> str:
    """A group of four, each word with its advantage before and after shaping."""
    group = examples().filter((pl.col("group_id") == "pens") & (pl.col("step") == 1))
    advantages = credit.group_advantages(group["reward"].to_list(), [0] * group.height)
    tagger = Tagger(Lexicon.from_phrases(PHRASES))
    most, tall = 16, 64.0
    out = [head(PAD, 32, "four rollouts of one question, one of them right: dashed before shaping, bars after it")]
    y, said = 52.0, []
    for response, reward, advantage in zip(group["response"], group["reward"], advantages.tolist(), strict=True):
        words = response.split()[:most]
        mask = np.array([_marked(words, tagger)])
        after = credit.hicra(np.full(mask.shape, advantage), mask, alpha=ALPHA)[0].tolist()
        zero, x = y + 30 + (tall if advantage > 0 else 6), PAD + 112.0
        out += [
            svg.text(PAD, y + 16, f"reward {number(reward)}", class_="ink"),
            svg.text(PAD, y + 36, f"A = {signed(advantage)}"),
        ]
        for word, lit, value in zip(words, mask[0].tolist(), after, strict=True):
            wide = box_width(word)
            out += box(x, y, word, lit)
            top = min(zero, zero - tall * value)
            out.append(
                svg.tag("rect", class_="hot" if lit else "cool", x=x, y=top, width=wide, height=tall * abs(value))
            )
            x += wide + 3
        if len(response.split()) > most:
            out.append(svg.text(x + 2, y + 16, "\u2026"))
        out.append(svg.line(PAD + 112, zero, x - 3, zero, class_="axis"))
        out.append(svg.line(PAD + 112, zero - tall * advantage, x - 3, zero - tall * advantage, class_="before"))
        changed = sorted({round(value, 12) for value in after} - {advantage})
        if changed:
            out.append(svg.text(PAD, y + 54, f"planning: {signed(changed[0])}"))
        said.append(
            f"reward {reward:g}: {signed(advantage)}" + (f", on planning words {signed(changed[0])}" if changed else "")
        )
        y = max(zero + tall * max(0.0, -advantage), y + 56) + 18
    return picture(y + 4, "From rewards and a mask to advantages", out, "; ".join(said))


def anatomy() -> str:
    """What HICRA adds to the advantage of a planning token, and its two parts, over the share of right rollouts."""
    size = 64
    rewards = np.array([float(row < right) for right in range(1, size) for row in range(size)])
    ids = np.repeat(np.arange(1, size), size)
    mask = np.ones((len(ids), 1), bool)
    batch = {"response_mask": mask, "planning_mask": mask, "rewards": rewards, "group_ids": ids}
    before = credit.group_advantages(rewards, ids)
    added = {
        name: (credit.METHODS[name](before, batch, alpha=ALPHA)[:, 0] - before).reshape(-1, size)
        for name in ("hicra", "hicra_difficulty", "hicra_bonus")
    }
    shares, half, top, bottom = np.arange(1, size) / size, 400, 66.0, 286.0
    looks = {"hicra": "before", "hicra_difficulty": "a0 bold", "hicra_bonus": "warm bold"}
    names = {
        "hicra": "HICRA: both together",
        "hicra_difficulty": "its difficulty part",
        "hicra_bonus": "its bonus part",
    }
    out, said = list[str](), []
    for panel, (row, kind) in enumerate(((0, "right rollout: A = 1 \u2212 p"), (-1, "wrong rollout: A = \u2212p"))):
        left = PAD + 40 + panel * (half + 16)
        x, y = Scale(0, 1, left, left + half - 40), Scale(-0.05, 0.2, bottom, top)
        out += [head(left, 24, kind), svg.text(left - 40, 48, f"added to A of a planning token, \u03b1 = {ALPHA:g}")]
        for tick in (-0.05, 0.0, 0.05, 0.1, 0.15, 0.2):
            out.append(svg.line(left, y(tick), left + half - 40, y(tick), class_="axis" if tick == 0 else "grid"))
            out.append(svg.text(left - 8, y(tick) + 4, number(tick), class_="end"))
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            look = "rule" if tick == 0.5 else "grid"
            out += [
                svg.line(x(tick), top, x(tick), bottom, class_=look),
                svg.text(x(tick), bottom + 18, number(tick), class_="mid"),
            ]
        for name, look in looks.items():
            points = [y(value) for value in added[name][:, row]]
            out.append(svg.tag("path", class_=look, d=svg.curve([x(share) for share in shares], points)))
            values = ", ".join(f"{signed(added[name][at, row], 3)} at p = {shares[at]:g}" for at in (7, 31, 55))
            said.append(f"{kind}, {names[name]}: {values}")
        out.append(svg.text(left + half - 40, bottom + 36, "p, the share of right rollouts of the group", class_="end"))
    for at, (name, look) in enumerate(looks.items()):
        start = PAD + 40 + 190 * at
        out += [svg.line(start, bottom + 60, start + 26, bottom + 60, class_=look)]
        out.append(svg.text(start + 34, bottom + 64, names[name], class_="ink"))
    return picture(bottom + 80, f"What HICRA adds, for alpha = {ALPHA:g}, and its two parts", out, "; ".join(said))


def loss() -> str:
    """The loss of one token over the probability ratio, with and without the amplification."""
    ratios = np.linspace(0.5, 1.6, 111)
    half, gap, top, bottom = 370, 60, 58.0, 250.0
    out, said = list[str](), []
    for panel, advantage in enumerate((0.5, -0.5)):
        left = PAD + 40 + panel * (half + gap)
        x = Scale(0.5, 1.6, left, left + half - 20)
        lines = [(advantage, "cold k1 bold"), (advantage + ALPHA * abs(advantage), "warm bold")]
        curves = [surrogate(ratios, value, 0.2, 0.28) for value, _ in lines]
        y = Scale(-1.0, 0.0, bottom, top) if advantage > 0 else Scale(0.0, 1.0, bottom, top)
        out.append(
            head(
                left,
                24,
                f"GRPO's A = {signed(advantage, 1)}: {'make the token likelier' if advantage > 0 else 'make the token rarer'}",
            )
        )
        for tick in (-1.0, -0.5, 0.0) if advantage > 0 else (0.0, 0.5, 1.0):
            out += [svg.line(left, y(tick), left + half - 20, y(tick), class_="grid")]
            out += [svg.text(left - 8, y(tick) + 4, number(tick), class_="end")]
        for tick in (0.8, 1.0, 1.28):
            out += [svg.line(x(tick), top, x(tick), bottom, class_="grid" if tick == 1 else "rule")]
            out += [svg.text(x(tick), bottom + 18, number(tick), class_="mid")]
        for (value, look), curve in zip(lines, curves, strict=True):
            out.append(svg.tag("path", class_=look, d=svg.curve([x(r) for r in ratios], [y(v) for v in curve])))
            at = -1 if advantage > 0 else 0  # where the clip has made it level
            name = f"{'planning' if 'warm' in look else 'execution'} token, A = {signed(value, 1)}"
            place = (left + half - 20, "end ink") if advantage > 0 else (left + 4, "ink")
            label = f"A\u2032 = {signed(value, 1)}"
            out.append(svg.text(place[0], y(curve[at]) + (16 if "warm" in look else -7), label, class_=place[1]))
            said.append(f"{name}: loss {signed(curve[at])} at a ratio of {ratios[at]:.1f}")
        out.append(svg.text(left + half - 20, bottom + 36, "probability ratio r", class_="end"))
        out.append(svg.text(left - 40, 44, "loss of the token"))
    for x0, look, name in ((PAD + 40, "cold k1 bold", "execution token"), (PAD + 190, "warm bold", "planning token")):
        out += [svg.line(x0, bottom + 60, x0 + 26, bottom + 60, class_=look), svg.text(x0 + 34, bottom + 64, name)]
    return picture(bottom + 80, "From an advantage to the loss of a token", out, "; ".join(said))


def metrics_picture() -> str:
    """How often each gram stands in the rollouts of two steps, and the entropy of that."""
    tagger = Tagger(Lexicon.from_phrases(PHRASES))
    half, out, said, bottom = 416, list[str](), [], 0.0
    for panel, (step, rows) in enumerate(examples().group_by("step", maintain_order=True)):
        found = [gram for spans in tagger.spans_batch(rows["response"].to_list()) for _, _, gram in spans]
        counts = [found.count(gram) for gram in tagger.phrases]
        entropy = metrics.semantic_entropy(counts)
        left = PAD + panel * half
        scale, y = Scale(0, 5, left + 200, left + 340), 48.0
        out.append(head(left, 32, f"step {step[0]}: {len(found)} occurrences, entropy {number(entropy)} nats"))
        for gram, count in zip(tagger.phrases, counts, strict=True):
            out += [mono(left, y + 14, gram), svg.text(scale(count) + 6, y + 14, str(count), class_="ink")]
            out.append(
                svg.tag("rect", class_="hot", x=scale(0), y=y + 2, width=scale(count) - scale(0), height=16, rx=2)
            )
            y += 26
        said.append(f"step {step[0]}: counts {counts}, entropy {entropy:.3f} nats")
        bottom = max(bottom, y)
    return picture(bottom + 8, "From rollouts to semantic entropy", out, "; ".join(said))


def signal_picture() -> str:
    """Where the signal of the two warm starts is, and what a step of each method is worth there.

    docs/images/signal.json holds results of `hicra signal`, each with a name, and the words that say where they come from.
    """
    file = IMAGES / "signal.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    right, out, said, y = WIDTH - PAD - signal_charts.WIDTH, list[str](), list[str](), 56.0
    out += [head(PAD, 32, "share of the learning signal"), head(right, 32, "what a step of one batch is worth")]
    found = [measured(result, f"{file.name}: results[{at}]") for at, result in enumerate(data["results"])]
    ends = signal_charts.reach([step for one in found for step in steps_of(one)])
    for one in found:
        shares = signal_charts.shares_chart([model_of(one)])
        steps = signal_charts.steps_chart(steps_of(one), ends)
        out.append(svg.tag("g", *shares.inside, transform=f"translate({PAD} {svg.short(y)})"))
        out.append(svg.tag("g", *steps.inside, transform=f"translate({right} {svg.short(y)})"))
        below = y + shares.height + 34
        lines = textwrap.wrap(kind_sentence(one), 56)
        out += [svg.text(PAD, below + 18 * at, line, class_="ink") for at, line in enumerate(lines)]
        said += [shares.about, steps.about]
        y = max(below + 18 * len(lines), y + steps.height) + 30
    out.append(svg.text(PAD, y + 4, f"from {data['source']}"))
    out.append(
        svg.text(
            WIDTH - PAD, y + 4, "filled: the interval lies off 0; hollow: it does not, or there is none", class_="end"
        )
    )
    styled = [svg.tag("style", signal_charts.looks()), *out]
    return picture(y + 22, "Where the learning signal is, from two warm starts", styled, " ".join(said))


def exits() -> str:
    """GRPO's exact gradient in a corridor of two rooms, by cell and by kind of token, before and after execution is learned."""
    kernel, exit_mask = np.zeros((4, 2, 4)), np.zeros((4, 2), bool)
    for cell in range(4):
        kernel[cell, 0, max(cell - 1, 0)] = kernel[cell, 1, min(cell + 1, 3)] = 1
    exit_mask[1, 1] = exit_mask[2, 0] = True
    task = TabularMDP(kernel, goals=np.arange(4) == 3, start=0, horizon=3)
    mastered = np.zeros((4, 2))
    mastered[[0, 2], 1] = np.log(9)  # 0.9 to the right
    half, size, floor, top, out, said = 400, 84, 300.0, 130.0, list[str](), list[str]()
    panels = (("nothing is learned yet: every chance is 1/2", np.zeros((4, 2))),
              ("steps are mastered: 0.9, and 1/2 at the door", mastered))  # fmt: skip
    for panel, (title, logits) in enumerate(panels):
        left = PAD + 30 + panel * (half + 16)
        exact = exact_gradients(task, logits, planning=exit_mask)
        kinds = (("execution", "cool", exact.execution[:, 1]), ("planning", "hot", exact.planning[:, 1]))
        y = Scale(0.0, float(sum(values for _, _, values in kinds).max()) * 1.15, floor, top)
        out += [head(left, 24, title), svg.text(left, 108, "push of GRPO on the logit of \u201cright\u201d")]
        for cell in range(4):
            x = left + cell * size
            out.append(svg.tag("rect", class_="cell", x=x, y=40, width=size - 4, height=44, rx=4))
            out.append(svg.text(x + size / 2 - 2, 67, "goal" if cell == 3 else f"cell {cell}", class_="mid"))
            level = 0.0
            for _, look, values in kinds if cell < 3 else ():
                above = level + float(values[cell])
                out.append(
                    svg.tag("rect", class_=look, x=x + 14, y=y(above), width=size - 32, height=y(level) - y(above))
                )
                level = above
            if cell < 3:
                out.append(svg.text(x + size / 2 - 2, y(level) - 6, f"{level:.4f}", class_="mid"))
                said.append(f"{title}, cell {cell}: " + ", ".join(f"{name} {v[cell]:.4f}" for name, _, v in kinds))
        out += [svg.line(left + 2 * size - 2, 34, left + 2 * size - 2, 90, class_="wall")]
        out += [svg.line(left, floor, left + 3 * size, floor, class_="axis")]
        share, tokens = exact.signal()["share"], exact.planning_tokens / exact.tokens
        line = f"exits hold {100 * share:.0f} % of the signal, and are {100 * tokens:.0f} % of the tokens"
        out.append(svg.text(left, floor + 24, line, class_="ink"))
        said.append(line)
    for x0, look, name in (
        (PAD + 30, "hot", "planning: the token goes through the door"),
        (PAD + 380, "cool", "execution: every other token"),
    ):
        out += [
            svg.tag("rect", class_=look, x=x0, y=floor + 42, width=14, height=14),
            svg.text(x0 + 22, floor + 54, name),
        ]
    return picture(
        floor + 72, "The push on each cell of a corridor with a door, by kind of token", out, "; ".join(said)
    )


def _marked(words: Sequence[str], tagger: Tagger) -> list[bool]:
    """Which words of a text lie in a span."""
    spans, at, out = tagger.spans(" ".join(words)), 0, []
    for word in words:
        out.append(any(start < at + len(word) and end > at for start, end, _ in spans))
        at += len(word) + 1
    return out


PICTURES: dict[str, Callable[[], str]] = {
    "rollout": rollout, "compare": comparison, "rollouts": rollouts, "grams": grams, "lexicon": lexicon, "weights": weights,
    "tagging": tagging, "credit": credit_picture, "anatomy": anatomy, "loss": loss, "metrics": metrics_picture,
    "signal": signal_picture, "exits": exits,
}  # fmt: skip

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (IMAGES / f"{name}.svg").write_text(draw() + "\n", encoding="utf-8")
