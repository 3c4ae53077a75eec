"""Tokenizers of the three families, and what else gives bytes, trained on the spot: no download, no file."""

from __future__ import annotations

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

TEXT = [
    "Wait, let me check this again. So we can use the fact that x = 12, but let's verify it step by step.",
    "Hmm, that can't be right; let\u2019s try another approach: \u201cif we consider\u201d the caf\u00e9 "
    "\u4f60\u597d \U0001f914 na\u00efve \u0394x.",
    "Alternatively, we need to find the answer. Now, let me think... okay, so the problem asks for 3/4.",
]
SPECIAL = ["<pad>", "<eos>"]


def byte_level(corpus=TEXT, size=500):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        corpus,
        trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    return tokenizer


def metaspace(corpus=TEXT, size=400):
    """BPE over SentencePiece-like text with byte fallback, as Llama 2 has it."""
    raw = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(
        "\u2581", "merged_with_next"
    )  # as SentencePiece: no token spans two words
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    ascii_only = [" ".join(word for word in text.split(" ") if word.isascii()) for text in corpus]
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[*SPECIAL, "<unk>"], show_progress=False)
    tokenizer.train_from_iterator(ascii_only, trainer)
    # as Llama 2 has it, the 256 bytes are plain vocabulary entries that the model falls back to
    import json

    spec = json.loads(tokenizer.to_str())
    for piece in raw:
        spec["model"]["vocab"][piece] = len(spec["model"]["vocab"])
    return Tokenizer.from_str(json.dumps(spec))


def gemma_like(corpus=TEXT, size=400):
    """Metaspace without a mark that opens a text; stretches of spaces and of line ends are added tokens, as Gemma has them."""
    import json

    spec = json.loads(metaspace(corpus, size).to_str())
    spec["normalizer"] = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    spec["decoder"]["decoders"] = spec["decoder"]["decoders"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    stretches = ["\u2581" * n for n in range(2, 6)] + ["\n" * n for n in range(2, 4)] + ["<table>"]
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in stretches])
    return tokenizer


class Encoding:
    """What hicra uses of a tiktoken encoding: every byte is a token, and so are some words."""

    def __init__(self, words=(b"let", b" me", b" check", b"so", b"\xe7\xad\x89"), special=("<|end|>",)):
        self._bytes = dict(enumerate([bytes([byte]) for byte in range(256)] + list(words)))
        first = len(self._bytes) + 3  # some ids are of no token
        self._special = {text: first + index for index, text in enumerate(special)}
        self.n_vocab = first + len(special)
        self.special_tokens_set = set(special)

    def encode_single_token(self, text):
        return self._special[text]

    def decode_single_token_bytes(self, token):
        names = {index: text.encode() for text, index in self._special.items()}
        return (self._bytes | names)[token]

    def encode_ordinary_batch(self, texts):
        ids = {value: index for index, value in self._bytes.items()}
        longest = sorted(ids, key=len, reverse=True)
        out = []
        for text in texts:
            data, row = text.encode(), []
            while data:
                piece = next(piece for piece in longest if data.startswith(piece))
                row.append(ids[piece])
                data = data[len(piece) :]
            out.append(row)
        return out


def wordpiece(corpus=TEXT, size=300):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=[*SPECIAL, "[UNK]"], show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    return tokenizer


FAMILIES = {"byte-level": byte_level, "metaspace": metaspace, "gemma": gemma_like, "wordpiece": wordpiece}


def pieces(tokenizer, family, special=(*SPECIAL,)):
    """id -> bytes (None for special tokens), spelled out by hand for each family."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode  # an independent table of the 256 characters

    to_byte = {char: byte for byte, char in bytes_to_unicode().items()}
    out = {}
    for text, index in tokenizer.get_vocab().items():
        if text in special or text in ("<unk>", "[UNK]"):
            out[index] = None
        elif family == "byte-level":
            out[index] = bytes(to_byte[char] for char in text)
        elif family in ("metaspace", "gemma"):
            is_raw = len(text) == 6 and text.startswith("<0x")
            out[index] = bytes([int(text[3:5], 16)]) if is_raw else text.replace("\u2581", " ").encode()
        else:
            out[index] = text[2:].encode() if text.startswith("##") and text != "##" else b" " + text.encode()
    return out
