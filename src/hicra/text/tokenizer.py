"""Gives the bytes that each token id stands for: one table for a tokenizer, built once, so that tagging never tokenises.

There are three families of tokenizers (docs/how-to/tag.md):
- byte-level BPE (GPT-2, Qwen, Llama 3, SmolLM): every vocabulary character is one byte;
- Metaspace / SentencePiece (Llama 2, Gemma, T5): U+2581 is a space, `<0xE2>` is a raw byte where the model falls back to
  bytes; the mark that opens a text has no bytes;
- those that drop white space (WordPiece, word-level): tokens are read as separated by one space, unless marked as
  continuations; grams with punctuation may be missed there.

Where the bytes themselves are given (a table `{id: bytes}`, a tiktoken encoding), no family is needed: `hicra.text.byte_tables`.

Special tokens have no bytes, and no match crosses them. Added tokens that are not special spell what `decode` shows.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hicra.arrays import Bools, Bytes, Ints
from hicra.errors import ConfigError
from hicra.text.byte_tables import AS_TABLE, pieces_of_table, table_of

WALL = b"\x00"
METASPACE = "\u2581"
OF_OBJECTS = f"load it with AutoTokenizer.from_pretrained(FOLDER), which converts it where transformers can; else give {AS_TABLE}"
OF_FOLDERS = (
    "give a folder with tokenizer.json; AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes that file where "
    "transformers can convert"
)
RAW_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class TokenBytes(NamedTuple):
    """Holds the bytes of each token id, and a last entry (id V) for the boundary that no match crosses.

    Attributes:
        family: "byte-level", "metaspace", "wordpiece", "word-level" or "table".
        blob: uint8, the bytes of all tokens, one after another.
        start: [V+1] int64, where each token's bytes start in `blob`.
        length: [V+1] int64, how many bytes each token has.
        opens: [V+1] bool, whether the token starts with a space that vanishes at the start of a text.
        wall: [V+1] bool, whether the token is a boundary (special, or unknown to the tokenizer).
    """

    family: str
    blob: Bytes
    start: Ints
    length: Ints
    opens: Bools
    wall: Bools

    @property
    def vocabulary(self) -> int:
        """V, the number one past the largest id."""
        return len(self.start) - 1


def byte_alphabet() -> dict[str, int]:
    """Returns the byte of each character that byte-level BPE writes: printable bytes as themselves, the rest from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(0x100 + index): byte for index, byte in enumerate(rest)}


def load_tokenizer(source: Any) -> tuple[Any, set[int]]:
    """Loads (tokenizers.Tokenizer, extra special ids) from a folder, a tokenizer.json, a transformers or a tokenizers object.

    Raises:
        ConfigError: the path or the object holds no tokenizer whose bytes are known.
    """
    from tokenizers import Tokenizer

    if isinstance(source, str | Path):
        path = Path(source)
        file = path / "tokenizer.json" if path.is_dir() else path
        if not file.is_file():
            raise ConfigError(f"no tokenizer at {path}: {file} does not exist", OF_FOLDERS)
        try:
            return Tokenizer.from_file(str(file)), set()
        except Exception as error:  # the library raises bare Exception
            raise ConfigError(f"{file} is no tokenizer: {error}", OF_FOLDERS) from None
    if isinstance(source, Tokenizer):
        return source, set()
    backend = getattr(source, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise ConfigError(
            f"a {type(source).__name__} has no tokenizer.json inside, so the bytes of its tokens are not known",
            OF_OBJECTS,
        )
    return backend, set(source.all_special_ids)


def plain_encoder(source: Any) -> Any:
    """Returns a tokenizers.Tokenizer that neither truncates nor pads, whatever its owner has set; raises as `load_tokenizer`."""
    from tokenizers import Tokenizer

    own = Tokenizer.from_str(load_tokenizer(source)[0].to_str())
    own.no_truncation()
    own.no_padding()
    return own


def _kinds(node: Any) -> set[str]:
    """Returns every `type` inside a part of tokenizer.json, nested ones too."""
    if isinstance(node, dict):
        found = {str(node["type"])} if "type" in node else set()
        return found.union(*(_kinds(value) for value in node.values())) if node else found
    if isinstance(node, list):
        return set().union(*(_kinds(value) for value in node)) if node else set()
    return set()


def _family(spec: dict[str, Any]) -> str:
    model = str(spec["model"].get("type", ""))
    if suffix := spec["model"].get("end_of_word_suffix"):
        raise ConfigError(
            f"the tokenizer marks word ends ({suffix!r}) and drops white space, so the bytes of its tokens are not known",
            "tag the text itself, without a tokenizer, or use the tokenizer of the model that is trained",
        )
    around = _kinds(spec.get("decoder")) | _kinds(spec.get("pre_tokenizer"))
    if "ByteLevel" in around:
        return "byte-level"
    replaced = METASPACE in json.dumps([spec.get("decoder"), spec.get("normalizer")], ensure_ascii=False)
    if "Metaspace" in around or replaced:
        return "metaspace"
    if model == "WordPiece":
        return "wordpiece"
    if model == "WordLevel":
        return "word-level"
    raise ConfigError(
        f"tokenizer model {model!r} with decoder {sorted(_kinds(spec.get('decoder')))} is of no known family",
        f"take a byte-level BPE, Metaspace/SentencePiece, WordPiece or word-level tokenizer, or give {AS_TABLE}",
    )


def token_bytes(source: Any) -> TokenBytes:
    """Returns the byte table of a tokenizer.

    Args:
        source: a folder or tokenizer.json (str or Path), a transformers tokenizer with such a backend, a tokenizers.Tokenizer,
            or a table of bytes: `{id: bytes}`, a tiktoken encoding, a `.tiktoken` file.

    Raises:
        ConfigError: the tokenizer does not load, its bytes are not known, or it is of no known family.
    """
    table = table_of(source)
    if table is not None:
        return _packed("table", pieces_of_table(table))
    tokenizer, special = load_tokenizer(source)
    spec = json.loads(tokenizer.to_str())
    family = _family(spec)
    special = special | {token["id"] for token in spec.get("added_tokens", []) if token["special"]}
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    spell = _speller(family, spec)
    pieces: list[bytes | None] = [None] * (max(vocabulary.values(), default=-1) + 1)
    for text, index in vocabulary.items():
        if index not in special:
            pieces[index] = spell(text)
    return _packed(family, pieces)


def _packed(family: str, pieces: list[bytes | None]) -> TokenBytes:
    """Lays the bytes of all tokens one after another; None is a boundary."""
    spelled = [WALL if piece is None else piece for piece in [*pieces, None]]
    length = np.array([len(piece) for piece in spelled], np.int64)
    start = np.concatenate([[0], np.cumsum(length)[:-1]])
    wall = np.array([piece is None for piece in [*pieces, None]], np.bool_)
    opens = np.array([family == "metaspace" and piece.startswith(b" ") for piece in spelled], np.bool_)
    return TokenBytes(family, np.frombuffer(b"".join(spelled), np.uint8), start, length, opens, wall)


def _speller(family: str, spec: dict[str, Any]) -> Any:
    """Returns a function from a vocabulary entry to its bytes."""
    if family == "byte-level":
        alphabet = byte_alphabet()

        def byte_level(text: str) -> bytes:
            known = [alphabet.get(char) for char in text]
            return text.encode() if None in known else bytes(known)  # type: ignore[arg-type]

        return byte_level
    if family == "metaspace":
        fallback = bool(spec["model"].get("byte_fallback")) or "ByteFallback" in _kinds(spec.get("decoder"))

        def metaspace(text: str) -> bytes:
            raw = RAW_BYTE.fullmatch(text) if fallback else None
            return bytes([int(raw[1], 16)]) if raw else text.replace(METASPACE, " ").encode()

        return metaspace
    prefix = spec["model"].get("continuing_subword_prefix") if family == "wordpiece" else None

    def spaced(text: str) -> bytes:
        return (
            text[len(prefix) :].encode()
            if prefix and text.startswith(prefix) and text != prefix
            else b" " + text.encode()
        )

    return spaced
