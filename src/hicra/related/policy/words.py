"""A tokenizer of whole words for an environment whose texts hold few of them, and the codec of any tokenizer of transformers.

A text is split at white space and each word is one token, so that a small network has little to learn. `<end>` ends an action.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hicra.errors import ConfigError, DataError
from hicra.related.agents.words import MARKERS

PAD, END = "<pad>", "<end>"
UNKNOWN = "<unk>"
MOST_KNOWN = 100_000  # texts whose ids are kept, so that a long run in free text does not fill the memory


def make_tokenizer(words: Sequence[str], context: int, markers: Sequence[str] = MARKERS) -> Any:
    """Makes a tokenizer of transformers that has one token for each word.

    <pad> and <end> are special: decoding without special tokens drops them. <unk> is not, so that it is seen where it stands.

    Args:
        words: every word of the environment.
        context: the most tokens that the model reads.
        markers: further words, those that agents write.

    Raises:
        ConfigError: a word is empty, holds white space, or is one of the special tokens.
    """
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit
    from transformers import PreTrainedTokenizerFast

    for word in words:
        if word.split() != [word] or word in (PAD, END, UNKNOWN):
            raise ConfigError(
                f"{word!r} cannot be a word of a tokenizer",
                f"give words without white space, none of {PAD}, {END}, {UNKNOWN}",
            )
    known = [PAD, END, UNKNOWN, *sorted({*words, *markers})]
    inner = Tokenizer(WordLevel({word: place for place, word in enumerate(known)}, unk_token=UNKNOWN))
    inner.pre_tokenizer = WhitespaceSplit()
    inner.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in (PAD, END)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token=PAD, eos_token=END, unk_token=None, model_max_length=context,
        model_input_names=["input_ids", "attention_mask"], clean_up_tokenization_spaces=False,
    )  # fmt: skip


class TokenizerCodec:
    """Text to ids and back by a tokenizer of transformers.

    Attributes:
        end, pad: ids of the token that ends an action and of padding; a tokenizer without padding takes the end token.

    Raises:
        ConfigError: the tokenizer has no end token.
    """

    end: int
    pad: int

    def __init__(self, tokenizer: Any) -> None:
        if tokenizer.eos_token_id is None:
            raise ConfigError(
                "the tokenizer of the model has no end token", "set eos_token in its tokenizer_config.json"
            )
        self.tokenizer = tokenizer
        self.end = int(tokenizer.eos_token_id)
        self.pad = self.end if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)
        self._inner = tokenizer.backend_tokenizer
        self._unknown = self._inner.token_to_id(UNKNOWN)
        self._known: dict[str, list[int]] = {}  # an environment says the same things again and again

    def encode(self, text: str) -> list[int]:
        """Returns the ids of a text, without special tokens around it.

        Raises:
            DataError: the text holds a word that a tokenizer of words does not know.
        """
        found = self._known.get(text)
        if found is None:
            found = self._inner.encode(text, add_special_tokens=False).ids
            if self._unknown is not None and self._unknown in found:
                word = next(one for one in text.split() if self._inner.token_to_id(one) in (None, self._unknown))
                raise DataError(
                    f"the tokenizer of the model does not know the word {word!r} of the text {text!r}",
                    "make the tokenizer from the words of this environment with these settings, and train the start model again",
                )
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[text] = found
        return list(found)

    def decode(self, ids: Sequence[int]) -> str:
        """Returns the text of ids, without special tokens."""
        text: str = self._inner.decode(list(ids), skip_special_tokens=True)
        return text
