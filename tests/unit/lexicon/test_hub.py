"""Lexicons on the hub, against a local server: round trip, revisions, and every way in which it can fail."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hicra import Lexicon, cli
from hicra.errors import ArtifactError, ConfigError, DataError
from hicra.lexicon import hub
from hicra.lexicon.card import card, page, plain
from hub_server import HubServer

MINED = Lexicon.from_table(
    pl.DataFrame({
        "gram": ["let us go", "let us try", "so we add", "wait | <b>x</b>"], "cluster": [0, 0, 1, 1], "cluster_df": [9, 9, 4, 4],
        "doc_freq": [7, 5, 4, 1],
    }),
    name="mined", settings={"n_min": 3}, statistics={"solutions": 20, "words": 900}, source=["my model"], licence="MIT",
)  # fmt: skip


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub of one's own, with an empty cache and no token."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setenv("HF_TOKEN", "hf_of_this_test")
    served = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", served.address)
    yield served
    served.close()


def test_round_trip(server: HubServer) -> None:
    said: list[str] = []
    pushed = MINED.push_to_hub("me/grams", say=said.append)
    files = server.repos["me/grams"][pushed.commit]
    assert set(files) == {".gitattributes", "lexicon.json", "grams.parquet", "README.md"}
    assert files["README.md"].startswith(b"---\nlicense: mit\n")
    loaded = Lexicon.from_pretrained("me/grams", say=said.append)
    assert loaded.content_hash == MINED.content_hash
    assert loaded.meta == MINED.meta
    assert loaded.name == "me/grams"
    assert [line.split(" at ")[0].split(" (")[0] for line in said] == [
        "hub: writing lexicon.json, grams.parquet, README.md to the dataset repository me/grams",
        f"hub: asking {server.address} for the lexicon me/grams",
    ]
    assert str(pushed.address) == f"hub:me/grams@{pushed.commit}"
    assert Lexicon.load(str(pushed.address)).content_hash == MINED.content_hash


def test_a_revision_is_what_it_was(server: HubServer) -> None:
    first = MINED.push_to_hub("me/grams")
    other = Lexicon.from_phrases(["now then"])
    second = other.push_to_hub("me/grams")
    assert first.commit != second.commit
    assert Lexicon.from_pretrained("me/grams").phrases == ["now then"]
    for name, revision in (("me/grams", first.commit), (f"hub:me/grams@{first.commit}", None)):
        assert Lexicon.from_pretrained(name, revision).content_hash == MINED.content_hash
    with pytest.raises(ConfigError, match="name two revisions"):
        Lexicon.from_pretrained(f"hub:me/grams@{first.commit}", "main")
    with pytest.raises(ConfigError, match="has no revision 'v9'"):
        Lexicon.from_pretrained("me/grams", "v9")


def test_what_was_downloaded_is_there_without_a_network(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    MINED.push_to_hub("me/grams")
    Lexicon.from_pretrained("me/grams")
    monkeypatch.setattr(sys.modules["huggingface_hub.constants"], "HF_HUB_OFFLINE", True)
    assert Lexicon.from_pretrained("me/grams").content_hash == MINED.content_hash
    with pytest.raises(ArtifactError, match="hub:me/other is not in the cache"):
        Lexicon.from_pretrained("me/other")
    with pytest.raises(ArtifactError, match="HF_HUB_OFFLINE is set"):
        MINED.push_to_hub("me/grams")


def test_a_damaged_download_is_refused(server: HubServer, tmp_path: Path) -> None:
    folder = Lexicon.from_phrases(["let us go", "so we subtract"]).save(tmp_path / "other")
    mine = MINED.save(tmp_path / "mine")
    server.add("me/mixed", {
        "lexicon.json": (mine / "lexicon.json").read_bytes(), "grams.parquet": (folder / "grams.parquet").read_bytes(),
    })  # fmt: skip
    with pytest.raises(ArtifactError, match="hub:me/mixed: .*does not have the content hash") as caught:
        Lexicon.from_pretrained("me/mixed")
    assert "remove " in caught.value.fix
    half = (mine / "grams.parquet").read_bytes()[:-40]
    server.add("me/torn", {"lexicon.json": (mine / "lexicon.json").read_bytes(), "grams.parquet": half})
    with pytest.raises(ArtifactError, match=r"hub:me/torn: .*grams.parquet is not readable"):
        Lexicon.from_pretrained("me/torn")


def test_what_the_hub_refuses(server: HubServer) -> None:
    with pytest.raises(ConfigError, match="has no dataset repository me/nothing that you may see"):
        Lexicon.from_pretrained("me/nothing")
    server.add("me/pictures", {"a.png": b"x"})
    with pytest.raises(ArtifactError, match=r"me/pictures on the hub is no lexicon: it lacks lexicon.json"):
        Lexicon.from_pretrained("me/pictures")
    server.forbidden = True
    with pytest.raises(ConfigError, match=r"does not let you write to me/grams \(status 403\)"):
        MINED.push_to_hub("me/grams")


def test_a_hub_that_does_not_answer(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between one try and the next
    with pytest.raises(ArtifactError, match="hub:me/late is not in the cache, and http://127.0.0.1:9 does not answer"):
        Lexicon.from_pretrained("me/late")
    with pytest.raises(ArtifactError, match="http://127.0.0.1:9 does not answer"):
        MINED.push_to_hub("me/grams")


@pytest.mark.parametrize("name", ["hub:me", "hub:me/", "hub:me/x@", "hub:../../etc", "hub:me/x/y", "hub:me/ x", "hub:"])
def test_a_name_that_is_no_repository(name: str) -> None:
    with pytest.raises(ConfigError, match="names no repository of the hub"):
        Lexicon.load(name)


def test_only_a_name_of_the_hub_uses_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(hub, "_api", lambda: pytest.fail("the network was used"))
    MINED.save(tmp_path / "me" / "grams")
    assert Lexicon.from_pretrained("me/grams").phrases == MINED.phrases  # what exists here goes first
    assert len(Lexicon.from_pretrained("paper")) == 249
    with pytest.raises(ConfigError, match="me/grams is no repository, so it has no revision"):
        Lexicon.from_pretrained("me/grams", "main")
    with pytest.raises(ConfigError, match="the one on the hub is hub:me/other"):
        Lexicon.load("me/other")
    with pytest.raises(ConfigError, match="a push makes a new one"):
        MINED.push_to_hub("me/grams@main")


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = hub.importlib.util.find_spec
    monkeypatch.setattr(hub.importlib.util, "find_spec", lambda name: None if name == "huggingface_hub" else find(name))
    for act in (
        lambda: Lexicon.load("hub:me/grams"),
        lambda: MINED.push_to_hub("me/grams"),
        lambda: MINED.save_pretrained(tmp_path / "x"),
    ):
        with pytest.raises(ConfigError, match="need huggingface_hub, which is not installed") as caught:
            act()
        assert "[hub]" in caught.value.fix
    assert not (tmp_path / "x").exists()


# ---- the card
AGREED = {
    "raters": [{}, {}, {}], "kappa": 0.6543,
    "majority": {
        "grams": {"items": 250, "share": 0.86, "interval": [0.81, 0.9]},
        "foils": {"items": 249, "share": 0.12, "interval": [0.08, 0.17]},
    },
}  # fmt: skip
SCORED = {"units": 4555, "precision": 0.5714, "recall": 0.387, "f1": 0.461, "lift": 1.77}
TAGGED = {"rows": 50, "chars": 2000, "planning_chars": 144}


def of(lexicon: Lexicon, one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "content_hash": lexicon.content_hash}


def test_the_card_says_what_is_known_and_what_is_not() -> None:
    text = page(MINED, repo="me/grams")
    for line in (
        "hicra tag ROLLOUTS --lexicon hub:me/grams", "- Corpus: my model.", "- Counts: solutions 20, words 900.",
        "| n&#95;min | 3 |", "the most frequent cluster is in 9 of 20 solutions (45.0%)", "not measured (`hicra tag",
        "| 9 | 2 | “let us go”, “let us try” |", "Not measured (`hicra lexicon agree", "## Licence\n\nMIT\n", "## Not for",
    ):  # fmt: skip
        assert line in text, line
    assert "<b>" not in text
    assert "wait &#124; &#60;b&#62;x&#60;/b&#62;" in text
    bare = page(Lexicon.from_phrases(["now then"]))
    assert "Not stated: ask its owner" in bare
    assert "It has no clusters" in bare


def test_the_card_holds_the_measurements() -> None:
    text = page(MINED, [of(MINED, one) for one in (AGREED, SCORED, TAGGED)])
    assert "Marks 7.2% of the characters of 50 responses." in text  # 144 / 2000
    assert "3 raters marked 250 grams in context, blind, among 249 random n-grams" in text
    assert (
        "the majority called 86% [81%, 90%] of the grams strategic, and 12% [8%, 17%] of the others; mean kappa 0.65."
        in text
    )
    assert "Against labels of 4555 units: precision 0.571, recall 0.387, F1 0.461, lift 1.77" in text
    assert "ot measured" not in text


@pytest.mark.parametrize(
    ("measured", "says"),
    [
        ({"grams": 3}, "measurement 1 is of no known kind"),
        (TAGGED, r"measurement 1 \(coverage\) names no lexicon"),
        ({**SCORED, "content_hash": "ab" * 32}, r"\(score\) is of the lexicon with the content hash abababababab"),
        (of(MINED, {**SCORED, "lift": "high"}), "no number under 'lift'"),
        (of(MINED, {**AGREED, "majority": {"grams": {"items": 1}}}), "no number under 'share'"),
    ],
)
def test_a_measurement_that_does_not_fit(measured: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        page(MINED, [measured])


def test_the_head_names_the_licence_as_the_hub_does() -> None:
    pytest.importorskip("huggingface_hub")
    heads = {name: card(Lexicon.load(name)).split("---")[1] for name in ("paper", "planning")}
    assert "license: cc-by-4.0\n" in heads["paper"]
    assert "license: apache-2.0\n" in heads["planning"]
    assert "data_files: grams.parquet" in heads["paper"]
    mixed = Lexicon.from_table(MINED.table, name="x", licence="MIT; my own", settings={"merged": []})
    assert "license: other\n" in card(mixed).split("---")[1]
    assert "license: unknown\n" in card(Lexicon.from_phrases(["so"])).split("---")[1]


def test_no_character_of_a_gram_is_markup() -> None:
    assert plain("a\n[x](http://y) `c` <i>&amp;") == (
        "a &#91;x&#93;&#40;http&#58;//y&#41; &#96;c&#96; &#60;i&#62;&#38;amp;"
    )


def test_save_pretrained_is_a_lexicon_folder(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    folder = MINED.save_pretrained(tmp_path / "out")
    assert Lexicon.load(folder).content_hash == MINED.content_hash
    plain_folder = MINED.save(tmp_path / "plain")
    for name in hub.FILES:
        assert (folder / name).read_bytes() == (plain_folder / name).read_bytes()
    with pytest.raises(ArtifactError, match="already exists"):
        MINED.save_pretrained(folder)


# ---- the verb
def run(*words: str, capsys: pytest.CaptureFixture[str]) -> SimpleNamespace:
    with pytest.raises(SystemExit) as stop:
        cli.main([*map(str, words)])
    out, err = capsys.readouterr()
    return SimpleNamespace(code=stop.value.code, out=out, err=err)


def test_push(server: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = MINED.save(tmp_path / "mine")
    (tmp_path / "score.json").write_text(json.dumps(of(MINED, SCORED)))
    words = ("lexicon", "push", str(folder), "me/grams", "--measured", str(tmp_path / "score.json"), "--json")
    done = run(*words, capsys=capsys)
    assert done.code == 0, done.err
    assert "writing lexicon.json" in done.err
    found = json.loads(done.out)
    assert found["content_hash"] == MINED.content_hash
    assert b"precision 0.571" in server.repos["me/grams"][found["commit"]]["README.md"]
    assert Lexicon.load(found["lexicon"]).content_hash == MINED.content_hash
    shown = run("lexicon", "show", found["lexicon"], capsys=capsys)
    assert shown.code == 0
    assert f"asking {server.address}" in shown.err


def test_push_shows_the_card_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub, "_api", lambda: pytest.fail("the network was used"))
    done = run("lexicon", "push", "paper", "me/grams", "--dry-run", capsys=capsys)
    assert done.code == 0
    assert done.out.startswith("---\nlicense: cc-by-4.0")
    (tmp_path / "bad.json").write_text("[1]")
    done = run("lexicon", "push", "paper", "me/grams", "--measured", str(tmp_path / "bad.json"), capsys=capsys)
    assert done.code == 1
    assert "bad.json" in done.err
    done = run("lexicon", "push", "paper", "me/grams", "--licence", "MIT", "--dry-run", capsys=capsys)
    assert done.code == 2
    assert "has a licence already" in done.err
