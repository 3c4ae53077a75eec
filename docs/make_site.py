"""Builds the site of `make site` in .site/html: the pages, those that they link to, and the API from the docstrings.

    .venv-site/bin/python docs/make_site.py

The pages keep the places that they have in the checkout, so their links work as they stand. Two things are made for the site
alone: formulas become MathML, which browsers draw without a script, and docs/reference/python.md lists the public names. Then
every link of the built pages is followed: one that leads nowhere is an error, and so is what a page loads from elsewhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / ".site"
PAGES, HTML = SITE / "pages", SITE / "html"
PARTS = re.compile(
    r"(^```.*?^```$|(?:^ {4}[^\n]*\n)+|`+[^`]*`+)", re.MULTILINE | re.DOTALL
)  # code: fenced, indented, inline
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?(?: [^)]*)?\)")
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+(?:\n[^$\n]+)?)\$", re.DOTALL)
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("link", "href")}  # what a browser fetches by itself

API = {
    "Lexicons and tagging": ("hicra.lexicon.lexicon.Lexicon", "hicra.tagging.tagger.Tagger", "hicra.tagging.streaming"),
    "Rollouts": ("hicra.corpus.reader", "hicra.corpus.batches"),
    "Mining": ("hicra.mining.mine", "hicra.mining.settings"),
    "Credit": ("hicra.credit.baselines.group", "hicra.credit.shapers.hicra", "hicra.credit.entry", "hicra.credit.method",
               "hicra.credit.baseline", "hicra.credit.loss"),
    "Any trainer": ("hicra.engines.lists",),
    "TRL": ("hicra.engines.trl.config", "hicra.engines.trl.mixin", "hicra.engines.trl.observer"),
    "Metrics": ("hicra.metrics.gradient_signal", "hicra.metrics.entropy", "hicra.metrics.passk"),
    "Statistics": ("hicra.stats.paired", "hicra.stats.holm", "hicra.stats.questions", "hicra.stats.power"),
    "Answers": ("hicra.verify.verifier",),
    "Evaluation, diagnosis, reports": ("hicra.evaluate.evaluate", "hicra.diagnose.diagnose", "hicra.report.report"),
}  # fmt: skip


def prose(text: str) -> Iterator[tuple[bool, str]]:
    """Yields (whether it is code, text) of the pieces of a page."""
    for at, piece in enumerate(PARTS.split(text)):
        yield at % 2 == 1, piece


def linked(page: Path) -> list[Path]:
    """The files of the checkout that a page links to."""
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    found = [(page.parent / unquote(target)).resolve() for target in targets if "://" not in target]
    return [path for path in found if path.is_file() and path.is_relative_to(ROOT)]


def all_pages() -> list[Path]:
    """The README, the pages of docs/, and every file that one of them leads to."""
    waiting = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
    found: dict[Path, None] = {}
    while waiting:
        path = waiting.pop(0)
        if path not in found:
            found[path] = None
            waiting += linked(path) if path.suffix == ".md" else []
    return [*found, *sorted(ROOT.glob("docs/images/*"))]


def with_mathml(text: str) -> str:
    """Writes the formulas between dollars as MathML; code is left alone."""
    from latex2mathml.converter import convert

    def drawn(found: re.Match[str]) -> str:
        made = convert((found[1] or found[2]).replace("\n", " "), display="block" if found[1] else "inline")
        return (
            made if found[1] else f"<span>{made}</span>"
        )  # a line that begins with <math> would be a block of its own

    return "".join(piece if code else FORMULA.sub(drawn, piece) for code, piece in prose(text))


def lay_out() -> None:
    """Writes the pages into .site/pages."""
    shutil.rmtree(SITE, ignore_errors=True)
    for path in all_pages():
        place = PAGES / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            place.write_text(with_mathml(path.read_text(encoding="utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(path, place)
    sections = [f"## {title}\n\n" + "".join(f"::: {name}\n\n" for name in names) for title, names in API.items()]
    head = "# Python\n\nThe public names, from their docstrings. The command line has [a page of its own](cli.md).\n\n"
    (PAGES / "docs" / "reference" / "python.md").write_text(head + "".join(sections), encoding="utf-8")


class Links(HTMLParser):
    """The ids of a built page, and what it links to and loads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.targets: list[tuple[str, bool]] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.ids.add(value)
            if name in ("href", "src") and value:
                rel = dict(attrs).get("rel") or ""
                self.targets.append((value, (tag, name) in LOADED and rel not in ("canonical", "next", "prev")))


def broken_links(folder: Path) -> list[str]:
    """What is wrong with the links of the built pages, a line each."""
    pages = {path: Links(path) for path in sorted(folder.rglob("*.html"))}
    wrong = []
    for path, page in pages.items():
        for target, loads in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                if loads and parts.scheme != "data":
                    wrong.append(f"{path.relative_to(folder)}: loads {target}")
                continue
            base = folder if parts.path.startswith("/") else path.parent
            found = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            found = found / "index.html" if found.is_dir() else found
            if path.name == "404.html":  # its links are from the root of a server
                continue
            if not found.is_file():
                wrong.append(f"{path.relative_to(folder)}: no {target}")
            elif parts.fragment and found in pages and unquote(parts.fragment) not in pages[found].ids:
                wrong.append(f"{path.relative_to(folder)}: no heading {target}")
    return sorted(set(wrong))


def main() -> int:
    lay_out()
    zensical = Path(sys.executable).parent / "zensical"
    built = subprocess.run([zensical, "build", "--clean", "--strict", "-f", "mkdocs.yml"], cwd=ROOT, check=False)
    if built.returncode:
        return built.returncode
    wrong = broken_links(HTML)
    print("\n".join(wrong) or f"{len(list(HTML.rglob('*.html')))} pages; every link leads somewhere")
    print("next: open .site/html/index.html")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
