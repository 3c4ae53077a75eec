"""A slow, obvious tagger, written from the rule in docs/concepts/tagging.md alone: the judge of the fast one.

Nothing here is shared with hicra: folding is by character, matching tries every gram at every position.
"""

from __future__ import annotations

import unicodedata

SPACES = set("\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}


def fold_char(c):
    if c in SPACES:
        return " "
    if c in "\u2019\u2018\uff07":
        return "'"
    low = c.lower()
    return low if len(low) == 1 and low.upper() == c else c


def folded(text):
    """[(folded char, start, stop)] with runs of white space as one."""
    out = []
    for i, c in enumerate(text):
        f = fold_char(c)
        if f == " " and out and out[-1][0] == " " and out[-1][2] == i:
            out[-1] = (" ", out[-1][1], i + 1)
        else:
            out.append((f, i, i + 1))
    return out


def is_word(chars, i):
    if i < 0 or i >= len(chars):
        return False
    c = chars[i][0]
    category = unicodedata.category(c)
    if category.startswith("M"):
        return is_word(chars, i - 1)
    return c == "_" or category.startswith("L") or category == "Nd"


def spans(text, grams):
    """Every occurrence as (start, stop, gram), sorted."""
    chars = folded(text)
    string = "".join(c for c, _, _ in chars)
    found = []
    for gram in grams:
        at = string.find(gram)
        while at >= 0:
            end = at + len(gram)
            starts_inside = is_word(chars, at - 1) and is_word(chars, at)
            ends_inside = is_word(chars, end - 1) and is_word(chars, end)
            if not starts_inside and not ends_inside:
                found.append((chars[at][1], chars[end - 1][2], gram))
            at = string.find(gram, at + 1)
    return sorted(found)


def sentence_spans(text, weighted):
    """Sentences whose distinct grams weigh more than a threshold, as (start, stop, heaviest gram); (weights, threshold)."""
    weights, threshold = weighted
    begin, sentences = 0, []
    for i, c in enumerate(text):
        stops = c in ".?!:" and i + 1 < len(text) and text[i + 1] in SPACES
        if stops or c in "\n\r" or i + 1 == len(text):
            sentences.append((begin, i + 1))
            begin = i + 1
    hits, found = spans(text, weights), []
    for low, high in sentences:
        inside = sorted({gram for start, stop, gram in hits if low <= start and stop <= high})
        if inside and sum(weights[gram] for gram in inside) > threshold:
            while text[low] in SPACES:
                low += 1
            while text[high - 1] in SPACES:
                high -= 1
            found.append((low, high, max(inside, key=lambda gram: weights[gram])))
    return found


def mask(pieces, live, grams, find=spans):
    """Planning mask of one row.

    Args:
        pieces: bytes of each token, None for a special token.
        live: whether the policy produced it.
        grams: phrases, or what another `find` takes.
        find: text and `grams` -> spans.
    """
    out = [False] * len(pieces)
    run = []
    for index in range(len(pieces) + 1):
        if index < len(pieces) and live[index] and pieces[index] is not None:
            run.append(index)
            continue
        data = b"".join(pieces[i] for i in run)
        # one character a byte where the bytes are no text, so that offsets can be counted back
        text = data.decode("utf-8", "surrogateescape")
        size = [1 if 0xDC80 <= ord(c) <= 0xDCFF else len(c.encode("utf-8")) for c in text]
        begin = [sum(size[:i]) for i in range(len(size) + 1)] if len(size) < 2000 else _cumulative(size)
        covered = bytearray(len(data))
        for start, stop, _ in find(text, grams):
            for byte in range(begin[start], begin[stop]):
                covered[byte] = 1
        at = 0
        for i in run:
            out[i] = any(covered[at : at + len(pieces[i])])
            at += len(pieces[i])
        run = []
    return out


def _cumulative(size):
    out = [0]
    for s in size:
        out.append(out[-1] + s)
    return out
