"""The small language of the plan-execute task: its phrases, the function of every word, the vocabulary and the tokenizer.

The first body word of a strategy's phrase is one that no other strategy's phrase starts with, so it already tells the plan (the
`trap` setting breaks this for S3 on purpose). No word is of two functions (strategy, reflection, execution), so a table gives the
function of each word.

Deviations (from the pilot of the task):
PLAN-3. S3 and S5 have other names than in the pilot, because "keep cutting" began like "keep adding", and S5 began like S4.
PLAN-4. One vocabulary of 124 words is used for all settings (with 24 nouns and the trap's word), so one tokenizer fits all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from hicra.tasks.plan_execute.problems import MODULUS, NOUNS
from hicra.tasks.plan_execute.settings import STRATEGIES, PlanExecuteSettings

OPENERS = ("let us", "we can", "i will")
BODIES = (
    ("keep adding", "pool everything", "stack upwards"),
    ("fill drain", "rise fall", "add remove"),
    ("drain fill", "dip climb", "remove restore"),
    ("shrink twice", "peel away", "carve off"),
    ("scale lift", "multiply up", "grow more"),
    ("stretch drop", "expand down", "widen less"),
)
TRAP_BODIES = ("keep cutting", "shrink twice", "peel away")
SUCCESS = ("that works", "all good", "this fits")
FAILURE = ("that fails", "not there", "no match")
RETRY = ("try another way", "switch the plan", "think again now")
QUIT = ("so stop here", "best quit now", "leave it so")

PAD, BOS, EOS, UNK = "<pad>", "<bos>", "<eos>", "<unk>"
PROMPT_TOKENS, PLAN_TOKENS, EXECUTION_TOKENS = 8, 4, 18
NUMBERS = tuple(str(number) for number in range(MODULUS))
OPERATOR_WORDS = ("+", "-", "*")


def _words(*phrases: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for phrase in phrases for word in phrase.split()))


PLAN_WORDS = _words(*OPENERS, *(phrase for bodies in BODIES for phrase in bodies), *TRAP_BODIES)
REFLECT_WORDS = _words(*SUCCESS, *FAILURE, *RETRY, *QUIT)
EXECUTE_WORDS = (*NUMBERS, *OPERATOR_WORDS, "=", ";")
VOCABULARY = (PAD, BOS, EOS, UNK, *NOUNS, *NUMBERS, "goal", ":", *OPERATOR_WORDS, "=", ";", "answer", "none")
VOCABULARY = (*VOCABULARY, *PLAN_WORDS, *REFLECT_WORDS)
ID_OF = {word: index for index, word in enumerate(VOCABULARY)}
FUNCTION_OF = {
    **dict.fromkeys(PLAN_WORDS, "plan"),
    **dict.fromkeys(REFLECT_WORDS, "reflect"),
    **dict.fromkeys(EXECUTE_WORDS, "execute"),
    **dict.fromkeys(("answer", "none", EOS), "format"),
}
PLANNING_WORDS = frozenset(PLAN_WORDS + REFLECT_WORDS)
PLANNING_IDS = frozenset(ID_OF[word] for word in PLANNING_WORDS)


@dataclass(frozen=True)
class Language:
    """The phrases that one choice of settings allows, in each list the likeliest first.

    Attributes:
        openers: phrases that begin a plan.
        bodies: for each strategy, the phrases that name it.
        success, failure, retry, quit: phrases of reflection.
        plans: {the four words of a plan: (strategy, number of the form)}.
    """

    openers: tuple[str, ...]
    bodies: tuple[tuple[str, ...], ...]
    success: tuple[str, ...]
    failure: tuple[str, ...]
    retry: tuple[str, ...]
    quit: tuple[str, ...]
    plans: dict[tuple[str, ...], tuple[int, int]]

    @property
    def phrases(self) -> list[str]:
        """All planning phrases, sorted: whole plans and reflections; a lexicon of these marks the planning tokens."""
        reflections = (*self.success, *self.failure, *self.retry, *self.quit)
        return sorted([*(" ".join(plan) for plan in self.plans), *reflections])


@lru_cache(maxsize=32)
def language_of(settings: PlanExecuteSettings) -> Language:
    """Makes the language of these settings."""
    n = settings.paraphrases
    bodies = tuple(
        (TRAP_BODIES if settings.trap and strategy == 3 else BODIES[strategy])[:n] for strategy in range(STRATEGIES)
    )
    forms = [(s, opener, body) for s in range(STRATEGIES) for opener, body in product(OPENERS[:n], bodies[s])]
    plans = {tuple(f"{opener} {body}".split()): (s, form) for form, (s, opener, body) in enumerate(forms)}
    return Language(OPENERS[:n], bodies, SUCCESS[:n], FAILURE[:n], RETRY[:n], QUIT[:n], plans)


def max_new_tokens(attempts: int) -> int:
    """Returns the number of tokens of the longest allowed response with its end token: 57 with two attempts.

    An attempt that another one follows has 4 + 18 + 5 tokens. The last one may end with a failure (2), a quit phrase (3) and
    `answer none <eos>` (3).
    """
    step = PLAN_TOKENS + EXECUTION_TOKENS + 5
    return step * attempts + 3


def build_tokenizer() -> Any:
    """Makes the word-level `tokenizers.Tokenizer`: it splits at white space, adds nothing, and has <unk> for unknown words.

    <pad>, <bos> and <eos> are special (decoding without special tokens drops them). <unk> is not special, so that it is visible
    in a response that holds it.
    """
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    tokenizer = Tokenizer(WordLevel(ID_OF, unk_token=UNK))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in (PAD, BOS, EOS)])
    return tokenizer
