"""Cases for the verifier: friendly and hostile, by class, with the verdict that each must get.

Written by hand where judgement is needed, generated where a rule makes many. verify_right.txt and verify_wrong.txt hold what
fits on a line: `answer == gold` or `answer != gold`, under the `# name` of a class. The verdict `"unpaid"` stands for any but
`correct`: where the right class is a matter of policy.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Case:
    """One case; `options` are those of a gold (`error`, `is_multiple_answer`)."""

    group: str
    completion: str
    gold: Any
    verdict: str
    options: dict[str, Any] = field(default_factory=dict)


def box(answer: str) -> str:
    return f"So the answer is \\boxed{{{answer}}}."


# What a line of verify_right.txt or verify_wrong.txt cannot hold.
RIGHT = {
    "separators": [("12\u202f345", "12345"), ("1\u2009000", "1000")],
    "punctuation": [(" 42 ", "42")],
    "unicode": [("4\u200b2", "42"), ("\ufeff42", "42")],
    "size": [
        ("9" * 5000, "9" * 5000),
        ("1" + ",000" * 300, "1" + "000" * 300),
        ("1" * 100_000, "1" * 100_000),
        ("0" * 1000 + "7", "7"),
        ("7." + "0" * 5000, "7"),
        ("+".join(["1"] * 200), "200"),
        ("x+" * 900 + "x", "x+" * 900 + "x"),
        (" " * 300_000 + "42", "42"),
        (r"\frac{" + "9" * 300 + "}{" + "9" * 300 + "}", "1"),
    ],
}
WRONG = {
    "near numbers": [("9" * 5000, "9" * 4999 + "8"), ("1" + "0" * 400, "1" + "0" * 401)],
    "bombs": [
        ("(" + "+".join(f"x_{{{i}}}" for i in range(100)) + ")^{99}", "7"),
        ("^".join(["{9"] * 100) + "}" * 100, "7"),
    ],
    "size": [
        ("1+" * 400_000 + "1", "7"),
        ("(" * 100_000 + "x" + ")" * 100_000, "7"),
        (r"\frac{1}{" * 3_000 + "2" + "}" * 3_000, "7"),
        ("\\text{" * 5000 + "x" + "}" * 5000, "7"),
        ("x" * 200_000, "7"),
        ("9" * 10_000, "7"),
        ("9" * 10_000 + "/3", "7"),
        ("a " * 100_000, "7"),
        ("1," * 5_000 + "1", "7"),
        ("|" * 2_000, "7"),
        ("-" * 100_000 + "1", "7"),
        (r"\sqrt" * 500 + "2", "7"),
        ("(1," * 100 + "1" + ")" * 100, "7"),
        (r"\{" * 500 + r"\}" * 500, "7"),
        ("=" * 3_000 + "7", "8"),
        ("x^" * 700 + "x", "7"),
        ("1 or " * 700 + "1", "7"),
        (r"\cup" * 900, "7"),
        ("x2 " * 5_000, "7"),
        (r"{a\over" * 3_000 + "}" * 3_000, "7"),
    ],
}

CODE = [
    "__import__('os').system('touch CANARY0')", "open('CANARY1','w')", "exec(\"open('CANARY2','w')\")", "eval('7')",
    "().__class__.__base__.__subclasses__()", r"\write18{touch CANARY3}", "Symbol(open('CANARY4','w').name)",
    "lambda: 7", "Integer(7)", "S(7)", "Rational(7)", "7 if True else 0", "print(7)", "[7][0]", "{7:7}[7]", "int('7')",
    "`touch CANARY5`", "$(touch CANARY6)", "7;import os", "globals()", r"\input{/etc/passwd}", "f'{7}'",
    "7\n__import__('os')", "'7'.__class__", "chr(55)", "sympify('7')", "len('1234567')", "(7).__abs__()",
]  # fmt: skip

EXTRACTION = [
    # echoes, several boxes, empty boxes
    (r"Put your answer in \boxed{}. I get \boxed{42}.", "42", "correct"),
    (r"\boxed{42} and remember to use \boxed{}.", "42", "correct"),
    (r"\boxed{41} no, \boxed{42}", "42", "correct"),
    (r"\boxed{42} no, \boxed{41}", "42", "wrong"),
    (r"\boxed{}" * 5000 + r"\boxed{42}", "42", "correct"),
    (r"\boxed{}" * 50_000 + r"\boxed{42}" + r"\boxed{}" * 50_000, "42", "correct"),
    (r"\boxed{42}" + r"\boxed{" * 50_000, "42", "correct"),
    (r"\boxed{" * 50_000 + r"\boxed{42}", "42", "correct"),
    (r"\boxed{42" + "}" * 5, "42", "correct"),
    (r"\boxed{" * 20_000 + "}" * 20_000, "42", "unpaid"),
    (r"\boxed{42", "42", "no_answer"),
    (r"\boxed{42}\boxed{43", "42", "correct"),
    (r"\boxed{\boxed{42}}", "42", "correct"),
    (r"\boxed{x = \boxed{42}}", "42", "correct"),
    (r"\boxed {42}", "42", "correct"),
    (r"\fbox{42}", "42", "correct"),
    (r"$\boxed{42}$", "42", "correct"),
    (r"$$\boxed{\begin{aligned}42\end{aligned}}$$", "43", "wrong"),
    (r"\boxed{\{1,2\}}", r"\{1,2\}", "correct"),
    (r"\boxed{\text{}}\boxed{ }\boxed{\ }", "42", "no_answer"),
    (r"\boxed{42} \boxed{\,}", "42", "correct"),
    ("42", "42", "no_answer"),
    ("The answer is 42.", "42", "no_answer"),
    ("", "42", "no_answer"),
    ("#### 42", "42", "no_answer"),
    ("x" * 900_000 + r"\boxed{42}", "42", "correct"),
    ("9^{9^{9}} " * 50_000 + r"\boxed{42}", "42", "correct"),
    (r"\boxed{42}" + " so" * 200_000, "42", "correct"),
    (r"\boxed{42}" + "x" * 1_000_000, "42", "no_answer"),
    ("{" * 500_000 + r"\boxed{42}", "42", "correct"),
    ("}" * 500_000 + r"\boxed{42}", "42", "correct"),
    ("\\" * 500_000 + " " + r"\boxed{42}", "42", "correct"),
    (r"<think>\boxed{41}</think> \boxed{42}", "42", "correct"),
    (r"<think>\boxed{42}</think> That is it.", "42", "correct"),  # the last box of the text, wherever it stands
    (r"\boxed{1} and \boxed{2}", "1, 2", "wrong"),  # the last box alone
    (r"\boxed{42}. Wait, is it \boxed{?}", "42", "correct"),
    (r"\boxed{...} then \boxed{42}", "42", "correct"),
    ("\\boxed{42\n}", "42", "correct"),
    (r"\boxed{1}, \boxed{2}", "1,2", "wrong"),
    (r"\boxed{\frac{1}{2}", "1/2", "no_answer"),
    (r"\boxed{4\}2}", "42", "wrong"),
    (r"boxed{42}", "42", "no_answer"),
    (r"\boxed{answer}", "42", "wrong"),
    (r"\\boxed{42}", "42", "correct"),
    (r"\boxed{42}\boxed{}{", "42", "correct"),
    (r"\boxed{}\boxed{}", "", "bad_gold"),
    ("\x00\\boxed{42}\x00", "42", "correct"),
    ("\ud800\\boxed{42}", "42", "correct"),
    ("\\boxed{4\ud8002}", "42", "wrong"),
    ("\\boxed{\u202e24}", "42", "wrong"),
    ("\\boxed{4\u0662}", "42", "correct"),
    ("\\boxed{\U0001f600}", "42", "wrong"),
    ("\\boxed{х}", "x", "wrong"),
    ("\\boxed{a\u0301}", "á", "correct"),
    ("\\boxed{42\u0300}", "42", "wrong"),
    ("\\boxed{④②}", "42", "unpaid"),
    ("\\boxed{2²}", "22", "wrong"),
    ("\\boxed{1½}", "11/2", "wrong"),
    ("\\boxed{" + "\u0301" * 10_000 + "}", "42", "unpaid"),
    ("\\boxed{\u200b}", "42", "no_answer"),
]

BAD_GOLDS = [
    "",
    " ",
    "$$",
    r"\boxed{}",
    r"\frac{1}{",
    "((",
    "{",
    "}",
    r"\text{}",
    "?",
    "...",
    "+",
    "-",
    "3 +",
    r"\frac{}{}",
    r"\sqrt{}",
    "\x00",
    "\u200b",
    "\\",
    "(1,2",
    "1)",
    r"\frac",
    "=",
    ",",
    r"\left(",
    "3 \\times",
    None,
    [],
]

OPTIONS = [
    ("0.52", "0.5", "correct", {"error": "5e-2"}),
    ("0.56", "0.5", "wrong", {"error": "5e-2"}),
    ("3.14", r"\pi", "correct", {"error": "1e-2"}),
    ("3.1", r"\pi", "wrong", {"error": "1e-2"}),
    (r"\sqrt{2}", "1.41", "correct", {"error": 0.01}),
    ("1.5", "1.6", "correct", {"error": "1e-1"}),
    ("4.2", "4.2", "correct", {"error": "0"}),
    ("0.5", "0.5", "correct", {"error": None}),
    ("0.52", "0.5", "wrong", {"error": None}),
    ("15, 5", "5,15", "correct", {"is_multiple_answer": True}),
    ("(1,1), (3,2)", "$(3,2),(1,1)$", "correct", {"is_multiple_answer": True}),
    ("5", "5,15", "wrong", {"is_multiple_answer": True}),
    ("1,234", "1,234", "correct", {"is_multiple_answer": True}),
    ("234, 1", "1,234", "correct", {"is_multiple_answer": True}),
    (r"90^\circ, 60^\circ", r"$90^{\circ}$,$60^{\circ}$", "correct", {"is_multiple_answer": True}),
    ("2 and 3", ["3", "2"], "correct", {}),
    ("2", ["3", "2"], "wrong", {}),
    (r"\{2,3\}", ["2", "3"], "correct", {}),
    ("x = 2, x = 3", ["2", "3"], "correct", {}),
    ("7", 7, "correct", {}),
    ("7.5", 7.5, "correct", {}),
    ("7", 7.0, "correct", {}),
    ("7", ["7"], "correct", {}),
    (r"\pm 2", ["2", "-2"], "correct", {}),
    ("nan", float("nan"), "bad_gold", {}),
]


def generated(seed: int = 0) -> list[Case]:
    """Right answers in other spellings, and near misses, of random numbers."""
    draw = random.Random(seed)
    pairs = []
    for _ in range(30):
        number = draw.randint(1000, 10**9)
        text = f"{number:,}"
        spellings = [
            text,
            text.replace(",", r"\,"),
            text.replace(",", "{,}"),
            f"{number}.0",
            f"+{number}",
            f"\\$ {text}",
        ]
        misses = [f"{number + 1:,}", f"-{number}", f"{number}0", f"{number}.01", f"{number}_8", f"x > {number}"]
        pairs.append((draw.choice(spellings), draw.choice(misses), str(number)))
    for _ in range(20):
        top, bottom, factor = draw.randint(1, 99), draw.randint(2, 99), draw.randint(2, 9)
        right = rf"\frac{{{top * factor}}}{{{bottom * factor}}}"
        pairs.append((right, rf"\frac{{{top * factor + 1}}}{{{bottom * factor}}}", f"{top}/{bottom}"))
        a, b = draw.randint(2, 9), draw.randint(2, 9)
        pairs.append((f"(x+{a})(x+{b})", f"(x+{a})(x+{b + 1})", f"x^2+{a + b}x+{a * b}"))
    found = [Case("generated right", box(right), gold, "correct") for right, _, gold in pairs]
    return found + [Case("generated wrong", box(wrong), gold, "wrong") for _, wrong, gold in pairs]


def lines(name: str, mark: str) -> list[tuple[str, str, str]]:
    """(class, answer, gold) of each line of a file beside this one."""
    found, group = [], ""
    for line in (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            group = line[2:]
        elif line:
            answer, _, gold = line.partition(f" {mark} ")
            assert gold, line
            found.append((group, answer, gold))
    return found


def cases() -> list[Case]:
    """All cases."""
    found = []
    for verdict, table, name, mark in (
        ("correct", RIGHT, "verify_right.txt", "=="),
        ("wrong", WRONG, "verify_wrong.txt", "!="),
    ):
        pairs = lines(name, mark) + [(group, *pair) for group, all_of in table.items() for pair in all_of]
        found += [Case(f"{verdict}: {group}", box(answer), gold, verdict) for group, answer, gold in pairs]
    found += [Case("size", box(text), "7", "unpaid") for text in ("{" * 5_000 + "x" + "}" * 5_000, "," * 100_000 + "1")]
    found += [Case("code", box(text), gold, "unpaid") for text in CODE for gold in ("7", "42")]
    found += [Case("code as gold", box("7"), text, "unpaid") for text in CODE]
    found += [Case("extraction", completion, gold, verdict) for completion, gold, verdict in EXTRACTION]
    found += [Case("bad gold", box("42"), gold, "bad_gold") for gold in BAD_GOLDS]
    found += [Case("bad gold, no answer", box(""), gold, "bad_gold") for gold in BAD_GOLDS]
    found += [Case("options", box(answer), gold, verdict, options) for answer, gold, verdict, options in OPTIONS]
    return found + generated()


def holds(case: Case, verdict: str) -> bool:
    """Whether a verdict is what the case asks for."""
    return verdict == case.verdict if case.verdict != "unpaid" else verdict in ("wrong", "no_answer", "bad_gold")
