"""Cases for the verifier: friendly and hostile, by class, with the verdict that each must get.

Written by hand where judgement is needed, generated where a rule makes many. `box(...)` wraps an answer in a sentence.
The verdict `"unpaid"` stands for any but `correct`: where the right class is a matter of policy.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
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


RIGHT = {
    "separators": [
        ("1{,}234", "1234"), (r"1\,234\,567", "1234567"), ("1,234", "1234"), ("1 234", "1234"), (r"12\,345", "12345"),
        ("1,000,000", "10^6"), (r"1,\!000", "1000"), ("1234567", "1,234,567"), ("12\u202f345", "12345"), ("1\u2009000",
        "1000"),
        (r"-1\,000", "-1000"), ("1,234.50", "1234.5"), (r"10\;000", "10000"), (r"1\ 000", "1000"), (r"1,234,567",
        r"1\,234\,567"),
    ],
    "punctuation": [
        ("42.", "42"), ("42,", "42"), (r"42\\", "42"), (" 42 ", "42"), ("$42$", "42"), (r"\(42\)", "42"), ("**42**",
        "42"),
        ("42", "$42$"), ("= 42", "42"), (r"\text{42}", "42"), ("{42}", "42"), (r"\,42\,", "42"), ("42;", "42"),
        (r"42.", r"42."),
        (r"\displaystyle 42", "42"), (r"\mathbf{42}", "42"), ("42", r"\boxed{42}"), ("`42`", "42"), (r"\text{ 42 }.",
        "42"),
    ],
    "fractions": [
        (r"\frac12", "0.5"), ("0.5", r"\frac{1}{2}"), (r"\frac{2}{4}", r"\frac12"), (r"\dfrac{3}{4}", "0.75"), ("3/4",
        r"\frac34"),
        (r"\frac1{72}", r"\frac{1}{72}"), (r"-\frac{1}{2}", "-0.5"), (r"\frac{-1}{2}", r"-\frac12"), (r"\tfrac{7}{2}",
        "3.5"),
        (r"\frac{1}{-2}", "-1/2"), (r"\frac{1.5}{2}", "3/4"), (r"\frac{10}{5}", "2"), (r"\frac{1}{3}+\frac13",
        r"\frac23"),
        (r"\frac{\frac12}{2}", "0.25"), ("½", "0.5"), (r"\left(\frac{1}{2}\right)", ".5"), ("0.333333", "1/3"),
        ("0.3333333333", r"\frac13"), ("1 / 8", "0.125"), (r"\frac 1 2", "0.5"), (r"\frac{a}{b}", r"\frac ab"),
    ],
    "mixed numbers": [
        (r"1\frac{1}{2}", "1.5"), ("1 1/2", "3/2"), (r"2\frac13", "7/3"), ("1½", "3/2"), (r"-1\frac{1}{2}", "-1.5"),
                      (r"3\,\frac{1}{4}", "13/4"), (r"\frac{7}{3}", r"2\frac{1}{3}")],
    "scientific": [
        (r"1.5\times 10^3", "1500"), ("1.5e3", "1500"), (r"6.02\times10^{23}", "6.02e23"), (r"2 \cdot 10^{-5}",
        "0.00002"),
        ("4.40e7", "4.4e7"), ("10^{-3}", "0.001"), ("1e-30", r"10^{-30}"), (r"5.3 \times 10^{-9}", "5.3e-9"),
        ("1.0E+3", "1000"),
        ("3 × 10⁸", "3e8"), ("1500", r"15 \times 10^{2}"),
    ],
    "plain numbers": [
        ("007", "7"), ("+7", "7"), ("--7", "7"), ("7.0", "7"), ("7.", "7"), (".5", "0.50"), ("073", "73"), ("-0", "0"),
                      ("2^{10}", "1024"), ("2^10", "1024"), ("2**10", "1024"), ("10!", "3628800"), ("5!", "120"),
                      ("2+2", "4"), (r"\sqrt{16}", "4"),
                      (r"\sqrt[3]{27}", "3"), ("2^{-3}", "1/8"), ("|{-3}|", "3"), (r"\binom{5}{2}", "10"), ("(42)",
                      "42"),
                  ],
    "percent": [
        (r"50\%", "50"), (r"50\%", "0.5"), ("0.5", r"50\%"), ("12.5%", r"12.5\%"), ("50 percent", "50%"),
        (r"50\text{ percent}", r"50\%"),
                (r"\frac{1}{2}", r"50\%"), ("100%", "1"), ("50", r"50\%"), ("33.5 \\%", "33.5"), (r"0.5\%", r"0.5\%"),
                (r"0.5\%", "0.005"),
            ],
    "degrees": [
        (r"90^\circ", "90"), ("90°", r"90^{\circ}"), ("90", r"90^\circ"), (r"45 \text{ degrees}", r"45^\circ"),
        ("45 degrees", "45"),
                (r"22.5^\circ", r"22\frac{1}{2}^\circ"), (r"-40^{\circ}", "-40"), (r"\cos 60^\circ", "1/2"),
                (r"\sin(30^\circ)", "0.5"),
            ],
    "units": [
        (r"5\text{ cm}", "5"), ("5", r"5\text{ cm}"), (r"5\text{ m}", "500 cm"), (r"5\ \mathrm{m/s}", "5"), ("5 m/s",
        "5"), (r"42 \text{ apples}", "42"),
        ("12 inches", "1 ft"), (r"\$5.00", "5"), ("5 dollars", r"\$5"), ("$5 million", "5000000"), ("3 hours",
        "180 minutes"), ("2.5 kg", r"2500\text{ g}"),
        (r"10\text{ cm}^2", "10"), ("10 square meters", r"10\text{ m}^2"), ("100 cm^2", r"0.01 \text{ m}^2"),
        ("60 km/h", "60"), ("5 units", "5"),
        ("42", "42 marbles"), ("7 widgets", "7 widgets"), ("7", "7 widgets"), (r"\frac{1}{2}\text{ hour}",
        "30 minutes"), ("5 feet", "5 ft"),
        (r"16\pi \text{ cm}^3", r"16\pi"), ("25 cents", "$0.25 dollars"), (r"3\text{ people}", "3 people"),
        ("1 person", "1"), (r"2\sqrt{3}\text{ cm}", r"2\sqrt3"),
    ],
    "sets": [
        (r"\{1,2\}", r"\{2,1\}"), (r"\{1, 1, 2\}", r"\{1,2\}"), (r"\left\{1,2\right\}", r"\{1,2\}"), ("2,1", "1,2"),
        ("1 and 2", "1,2"),
        (r"1 \text{ or } 2", "2, 1"), (r"\{0.5\}", r"\{\frac12\}"), (r"\{3\}", "3"), (r"\emptyset", r"\varnothing"),
        ("∅", r"\emptyset"), (r"1, 2", r"\{1,2\}"),
        (r"\{1,2,3\}", "1,2,3"), (r"\pm 2", "2,-2"), (r"2, -2", r"\pm 2"), (r"x = \pm 2", r"\pm2"), (r"1 \pm \sqrt{2}",
        r"1+\sqrt2, 1-\sqrt2"),
        (r"\{\sqrt{4}, 3\}", r"\{3,2\}"), ("1; 2; 3", "3,2,1"), (r"\{(1,2),(3,4)\}", r"\{(3,4),(1,2)\}"), (r"\{-1\}",
        "-1"),
    ],
    "tuples": [
        ("(1,2)", "(1, 2)"), (r"\left(\frac{1}{2}, 3\right)", "(0.5,3)"), ("1, 2", "(1,2)"), ("(1,2,3)",
        r"(1,\,2,\,3)"), ("(x,y)=(1,2)", "(1,2)"),
               ("x=1,y=2", "(1,2)"), (r"\langle 1,2\rangle", "(1,2)"), ("(-1, 0)", "(-1,0)"), (r"(6,31,-1)",
               r"(6, 31, -1)"), ("((1,2),3)", "((1, 2), 3)"),
               (r"\left( \sqrt{4}, \frac{6}{3} \right)", "(2,2)"), ("(3, pi/2)", r"\left( 3, \frac{\pi}{2} \right)"),
               ("y=2, x=1", "x=1, y=2"),
           ],
    "intervals": [
        ("[1,2)", r"[1, 2)"), (r"1 \le x < 2", "[1,2)"), ("[1,2)", r"1 \le x < 2"), ("x>3", r"(3,\infty)"),
        (r"x \le -1", r"(-\infty,-1]"), ("3 < x", "x > 3"),
        (r"(-\infty,-1]\cup[1,\infty)", r"(-\infty, -1] \cup [1, \infty)"), (r"[1,\infty)\cup(-\infty,-1]",
        r"(-\infty, -1] \cup [1, \infty)"),
        (r"x \in [1,2]", "[1,2]"), ("]1,2[", "(1,2)"), (r"\left[0,\frac12\right]", "[0,0.5]"), ("(-∞, 2]",
        r"(-\infty,2]"), (r"2 > x \geq 1", "[1,2)"),
    ],
    "matrices": [
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix} 1 & 2 \\ 3 & \frac{8}{2}\end{bmatrix}"),
        (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
        (r"\begin{pmatrix} x+1 & 0 \end{pmatrix}", r"\begin{pmatrix} 1+x & 0 \end{pmatrix}"),
        (r"\left[\begin{array}{cc}1&2\\3&4\end{array}\right]",
        r"\left[\begin{array}{cc} 1 & 2 \\ 3 & 4\end{array}\right]"),
    ],
    "choices": [
        ("C", "(C)"), (r"\textbf{(C)}\ 42", "C"), (r"\text{(A)}", "A"), ("C.", "C"), ("C) 42", "C"), ("Option C", "C"),
        ("(c)", "C"), (r"\text{C}", "C"),
                ("C: the third one", "C"), (r"\mathrm{(E)}", "E"), (r"\textbf{B}", "B"), ("The answer is C", "C"),
                ("(D) 7", "D"),
            ],
    "equations": [
        ("x=3", "3"), ("3", "x=3"), ("x = 3 \\text{ or } x = -2", "-2,3"), ("y=2x+1", "2x-y+1=0"), ("f(x)=2x+1",
        "2x+1"), ("2x+1", "f(x) = 1+2x"), ("3 = x", "x=3"),
        ("x = y = 3", "3"), ("2+1=3", "3"), (r"\theta = \frac{\pi}{4}", r"\pi/4"), ("2y = 4x", "y=2x"), ("x_1 = 3",
        "3"), ("A = 12", "12"), (r"x^2+y^2=4", r"4 = x^2+y^2"),
        ("3x > 6y", "x > 2y"), ("a_n = 2^n", "2^n"), (r"\angle A = 30", r"\angle A = 30"),
    ],
    "algebra": [
        ("x^2-1", "(x-1)(x+1)"), (r"\frac{\sqrt2}{2}", r"\frac{1}{\sqrt{2}}"), (r"3\sqrt{13}", r"\sqrt{117}"),
        ("p - q", "-q+p"), (r"\log_2 8", "3"), (r"e^{2}", r"\exp(2)"), ("|x|", r"\sqrt{x^2}"),
        (r"\frac{1}{2}\log 2", r"\log\sqrt2"), (r"\sin^2 x", r"1-\cos^2 x"), (r"\frac{3}{4}\pi", r"0.75\pi"), ("11√2",
        r"11\sqrt{2}"), ("2xy", "2yx"), (r"(a+b)^2", "a^2+2ab+b^2"), (r"\frac{x^2-1}{x-1}", "x+1"),
        ("e^{i\\pi}", "-1"), ("(1+i)^2", "2i"), (r"\frac{1}{1+\sqrt2}", r"\sqrt2-1"), ("x²", "x^2"), (r"\cot x",
        r"\frac{\cos x}{\sin x}"), (r"2\ln x", r"\ln x^2"), (r"2^{1009}", r"2\cdot2^{1008}"), (r"\frac{n(n+1)}{2}",
        r"\frac12 n^2+\frac n2"),
        (r"\sqrt{8}", r"2\sqrt2"), (r"\frac{K-1}{L}", r"\frac{K}{L}-\frac1L"), (r"\frac{2}{\sqrt{3}}",
        r"\frac{2\sqrt{3}}{3}"), (r"\tan^{-1}(1)", r"\frac{\pi}{4}"), (r"\arcsin(10/13)", r"\arcsin{\frac{10}{13}}"),
        (r"\frac{\pi}{4}", "0.785398"), ("1.414214", r"\sqrt{2}"), (r"\sqrt{x}\sqrt{x}", "x"),
    ],
    "words": [
        (r"\text{east}", "East"), ("yes", "Yes"), (r"\text{June 20}", "June 20"), ("Wednesday", r"\text{Wednesday}"),
        (r"\text{odd function}", "odd function"), ("2:3", "2 : 3"), ("True", "true"), (r"\infty", "∞"),
        (r"\mathrm{even}", "even"), ("no solution", r"\text{No solution}"), ("m n", "mn"), ("mn", "m n"), ("Joe's", "Joe’s"),
    ],
    "bases": [
        ("101_2", "101_{2}"), (r"2516_8", r"2516_{8}"), (r"(101)_2", "101_2"), ("1A_{16}", "1a_{16}"),
        (r"101_{\text{two}}", "101_2"),
    ],
    "unicode": [
        ("５", "5"), ("−5", "-5"), ("4\u200b2", "42"), ("\ufeff42", "42"), ("𝟒𝟐", "42"), ("٤٢", "42"), ("3 × 4", "12"),
        ("π/2", r"\frac{\pi}{2}"), ("x ≤ 2", r"x \le 2"), ("8 ÷ 2", "4"), ("café", "café"), ("東京", "東京"), ("x₁",
        "x_1"), ("５０％", r"50\%"), ("–7", "-7"),
    ],
    "size": [
        ("9" * 5000, "9" * 5000), ("1" + ",000" * 300, "1" + "000" * 300), ("1" * 100_000, "1" * 100_000),
        ("0" * 1000 + "7", "7"), ("7." + "0" * 5000, "7"), ("+".join(["1"] * 200), "200"),
        ("(" * 15 + "x" + ")" * 15, "x"), ("x+" * 900 + "x", "x+" * 900 + "x"),
             (" " * 300_000 + "42", "42"), (r"\frac{" + "9" * 300 + "}{" + "9" * 300 + "}", "1"), ("100000000!",
             "100000000!"), ("9^{9^{9^{9}}}", "9^{9^{9^9}}".replace("9^9}", "9^{9}}")),
         ],
}  # fmt: skip

WRONG = {
    "negation": [
        ("-42", "42"), (r"\text{not }42", "42"), (r"\neg 42", "42"), (r"x \neq 42", "42"), ("42 is wrong", "42"),
        (r"\text{anything but }42", "42"), ("42?!", "43"), ("no", "on"), (r"\lnot 42", "42"), ("¬42", "42"),
        (r"\text{not } x = 42", "42"),
        ("isn't 42", "42"), (r"\ne 42", "42"), ("!= 42", "42"), (r"\text{never }42", "42"), ("42 not", "42"),
        (r"\sim 42", "42"), (r"\overline{42}", "42"), (r"\text{not } \frac12", "0.5"), (r"\neg\frac12", r"\frac12"),
        (r"\not= 42", "42"), ("not C", "C"),
    ],
    "inequalities": [
        ("x>42", "42"), (r"\le 42", "42"), ("< 42", "42"), (r"x \ge 42", "42"), ("42 < x", "42"), (r"\approx 42",
        "42"), ("> 42", "42"), ("x>3", "x=3"), ("x>3", r"x \ge 3"), ("x<3", "x>3"), (r"[3,\infty)", "x>3"), ("≥ 42",
        "42"), (r"41 < 42", "42"), ("3x > 6y", "x < 2y"),
                     ("-x > y", "x > -y"), (r"\text{more than } 42", "42"), (r"\text{at least }42", "42")],
    "bases": [
        ("101_2", "101"), ("101", "101_2"), ("5", "101_2"), ("0x42", "42"), ("42_8", "42"), ("42_{16}", "42"),
        (r"42_{\text{eight}}", "42"), ("42 base 5", "42"), ("101_3", "101_2"), ("101_2", "5"), ("(42)_7", "42"),
        (r"42_{(8)}", "42"), ("0b101", "101"), (r"42_{\mathrm{hex}}", "42"),
    ],
    "tiny": [
        ("1e-9", "2e-9"), ("10^{-30}", r"2\cdot10^{-30}"), (r"10^{-30}\sqrt2", r"2\cdot 10^{-30}\sqrt{2}"), ("1e-20",
        "0"), ("0.0000001", "0.0000002"), ("1e-400", "2e-400"), (r"\frac{1}{10^{12}}", r"\frac{3}{10^{12}}"),
        ("1+10^{-20}", "1"), (r"\pi\cdot10^{-15}", r"e\cdot10^{-15}"), ("10^{-40}x", "2x\\cdot10^{-40}"),
             (r"\sqrt{2}+10^{-25}", r"\sqrt2"), ("0.00000001", "0.00000003")],
    "near numbers": [
        ("0.33", "1/3"), ("3.14", r"\pi"), ("1.414", r"\sqrt{2}"), ("42!", "42"), ("5!", "5"), ("4 2", "42"), ("4.2",
        "42"), ("420", "42"), ("43", "42"), ("0.333334", "1/3"), ("1.414215", r"\sqrt2"), ("42.0001", "42"), ("1e400",
        "1e401"), ("1,23", "123"), ("12,34", "1234"), ("42i", "42"),
                     ("42x", "42"), ("42+x", "42"), ("2^{10}", "1025"), ("1/0", "0"), (r"\frac{42}{0}", "42"),
                     (r"0\cdot\infty", "0"), ("9" * 5000, "9" * 4999 + "8"), ("1" + "0" * 400, "1" + "0" * 401),
                     (r"2\frac{1}{3}", r"\frac23"), ("42 42", "42"), ("0.3333333", "0.333333"), ("X", "x"), (r"\Delta",
                     r"\delta"),
                 ],
    "units": [
        ("5 cm", "5 in"), (r"5\text{ cm}", r"5\text{ m}"), ("5 apples", "5 oranges"), (r"42\text{ thousand}", "42"),
        ("42^\\circ C", "42^\\circ F"), (r"5\text{ cm}^2", "5 cm"), (r"0.5\%", "0.5"), (r"5\%", "0.5"), ("50 minutes",
        "50 hours"), ("42 or so", "42"), ("5 km/h", "5 m/s"), ("5m", "5"), ("€5", "£5"), ("42 below", "42"),
        ("7 gadgets", "7 widgets"),
    ],
    "structures": [
        (r"\{1,2\}", r"\{1,2,3\}"), ("(1,2)", "(2,1)"), ("[1,2]", "(1,2)"), ("(1,2)", r"\{1,2\}"), ("2", r"\pm 2"),
        ("2,-2,3", r"\pm2"), (r"42 \pm 1", "42"), (r"\{42, 43\}", "42"), ("(42, 42)", "42"), ("1,2", "1"), ("1",
        "1,2"), ("42 or 43", "42"), ("42 and 43", "42"), (r"\{\}", r"\{0\}"), (r"\emptyset", "0"),
                   ("(1,2,3)", "(1,2)"), ("[1,2)", "(1,2]"), (r"(1,2)\cup(3,4)", "(1,2)"), ("1,1,2", "1,2"),
                   (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\3&5\end{pmatrix}"),
                   (r"\begin{pmatrix}1&2&3&4\end{pmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"),
                   (r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}"), ("(2,1)",
                   "1,2"),
               ],
    "equations": [
        ("x=3", "y=3"), ("4=3", "3"), ("x=3", "x=4"), ("y=2x+1", "y=2x-1"), ("x=1,y=2", "x=2,y=1"), ("x=3, x=4", "3"),
        ("2x=3", "3"), ("x = y", "3"), ("x^2 = 9", "3"),
    ],
    "algebra": [
        ("x^2+1", "(x-1)(x+1)"), (r"\sqrt{x^2}", "x"), ("x+1", "x"), (r"\sin x", r"\cos x"), (r"2^x", "x^2"),
        (r"\frac{x}{x}", "x"), (r"\sqrt{2}\sqrt{3}", r"\sqrt{5}"), ("a+b", "ab"), ("x", "y"), (r"\ln 2", r"\log_2 e"),
        (r"x^{-1}", "x"), ("(a+b)^2", "a^2+b^2"), (r"\overline{AB}", r"\overline{AC}"), ("e", "2.71828"), ("x_1",
        "x_2"),
    ],
    "choices": [
        ("C", "D"), ("A or C", "C"), ("(C) or (D)", "C"), ("A, C", "C"), (r"\text{(B)}", "(A)"), ("C) not this", "C"),
        ("A) B)", "A"), ("C. D.", "C"), ("C: D", "C"),
        ("all but C", "C"),
    ],
    "words": [
        ("Wednesday", "Tuesday"), ("yes, because", "yes"), ("not even", "even"), ("east", "west"), ("e a s t", "east"),
        ("uneven", "even"), ("3:2", "2:3"), ("No", "Yes"),
    ],
    "bombs": [
        ("9^{9^{9^{9}}}", "7"), ("100000000!", "7"), ("(x+y+z+w+1)^{500}", "7"), ("2^{2^{100}}", "7"),
        (r"\sqrt[10^{9}]{2}", "7"), (r"10^{10^{10}}", "7"), ("((9!)!)!", "7"), ("9!!!!!!", "7"),
        (r"\sum_{k=1}^{10^{12}} k", "7"), (r"\int_0^{1} e^{e^{e^{x}}} dx", "7"), (r"\binom{10^9}{5\cdot10^8}", "7"),
        (r"e^{e^{e^{e^{e}}}}", "7"),
        (r"\prod_{i=1}^{1000000} i^i", "7"), ("(" + "+".join(f"x_{{{i}}}" for i in range(100)) + ")^{99}", "7"),
        ("^".join(["{9"] * 100) + "}" * 100, "7"), (r"\sin(10^{10^6})", "7"), (r"x^{10^{9}}", "7"),
        ("(((2^{1000})^{1000})^{1000})^{1000}", "7"), (r"\tan(\tan(\tan(10^{15})))", "7"), ("10^{-10^{10}}", "7"),
        (r"\frac{1}{9^{9^9}}", "7"), (r"\log(9^{9^{9^9}})", "7"), (r"99999^{99999}", "7"), (r"(1+10^{-9})^{10^{18}}",
        "7"), (r"\sinh(10^{9})", "7"), ("2^" * 50 + "2", "7"), (r"\Gamma(10^9)", "7"), (r"\zeta(1+10^{-9})", "7"),
        (r"\lim_{n\to\infty}(1+1/n)^n", "7"), (r"\det\begin{pmatrix}x&y\\z&w\end{pmatrix}^{999}", "7"),
        (r"\frac{d^{50}}{dx^{50}} e^{x^2\sin x}", "7"), (r"\cos^{9999999}(x)", "7"), (r"(\tan^{(10^{19})^{e}}(10^{9}i+2))!", "7"),
    ],
    "size": [
        ("1+" * 400_000 + "1", "7"), ("(" * 100_000 + "x" + ")" * 100_000, "7"),
        (r"\frac{1}{" * 3_000 + "2" + "}" * 3_000, "7"), ("\\text{" * 5000 + "x" + "}" * 5000, "7"),
        ("x" * 200_000, "7"), ("9" * 10_000, "7"), ("9" * 10_000 + "/3", "7"), ("a " * 100_000, "7"),
        ("1," * 5_000 + "1", "7"), ("|" * 2_000, "7"), ("-" * 100_000 + "1", "7"), (r"\sqrt" * 500 + "2", "7"),
             ("(1," * 100 + "1" + ")" * 100, "7"), (r"\{" * 500 + r"\}" * 500, "7"), ("=" * 3_000 + "7", "8"),
             ("x^" * 700 + "x", "7"), ("1 or " * 700 + "1", "7"), (r"\cup" * 900, "7"),
         ],
}  # fmt: skip

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


def cases() -> list[Case]:
    """All cases."""
    found = [
        Case(f"right: {name}", box(answer), gold, "correct") for name, pairs in RIGHT.items() for answer, gold in pairs
    ]
    found += [
        Case(f"wrong: {name}", box(answer), gold, "wrong") for name, pairs in WRONG.items() for answer, gold in pairs
    ]
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
