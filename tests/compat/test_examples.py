"""The examples of the pages run as they stand, and print what the pages say."""

from __future__ import annotations

import doctest
import io
import re
import shlex
from contextlib import redirect_stdout

import pytest

from hicra import cli
from paths import ROOT

PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "docs" / "start.md",
        ROOT / "docs" / "engines" / "README.md",
        *ROOT.glob("docs/concepts/*.md"),
        *ROOT.glob("docs/methods/*.md"),
    ]
)
BLOCK = re.compile(r"^```(pycon|sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
CHECKER = doctest.OutputChecker()


def blocks(text, *languages):
    """(language, code) of the fenced blocks of a page."""
    return [(kind, code) for kind, code in BLOCK.findall(text) if kind in languages]


def failures(text, name="page"):
    """What a page's Python examples print that the page does not say; one namespace a page."""
    runner, told = doctest.DocTestRunner(CHECKER, verbose=False, optionflags=FLAGS), io.StringIO()
    code = "\n".join(code for _, code in blocks(text, "pycon"))
    runner.run(doctest.DocTestParser().get_doctest(code, {}, name, name, 0), out=told.write)
    return told.getvalue()


def ids(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_python_examples_print_what_the_page_says(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert failures(page.read_text(encoding="utf-8"), page.name) == ""


def test_a_wrong_example_is_found():
    right = "```pycon\n>>> 1 + 1\n2\n\n```\n"
    assert failures(right) == ""
    assert "Expected" in failures(right.replace("\n2\n", "\n3\n"))
    assert "NameError" in failures("```pycon\n>>> missing\n2\n```\n")


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_run_and_print_what_the_page_says(page, tmp_path, monkeypatch):
    """The commands of the `sh` blocks, one after the other; a `text` block is what the last one before it prints."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    printed = ""
    for kind, code in blocks(page.read_text(encoding="utf-8"), "sh", "text"):
        if kind == "text":
            assert CHECKER.check_output(code, printed, FLAGS), printed
            continue
        for line in code.replace("\\\n", " ").splitlines():
            name, *words = shlex.split(line, comments=True)
            assert name == "hicra", line
            with redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as stop:
                cli.main(words)
            assert not stop.value.code, line
            printed = out.getvalue()
