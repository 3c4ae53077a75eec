"""The page docs/evidence/credit-quality.md, every number of it from results/quality.json."""

from __future__ import annotations

from pathlib import Path

from anchors import LABELLED
from quality_tables import (
    MEASURES,
    Found,
    anchors_table,
    kinds_table,
    lexicon_methods_table,
    lexicons_table,
    methods_table,
    share,
    table,
    with_ci,
)

from hicra.drawing.readable import decimal

PAGE = Path(__file__).parents[2] / "docs" / "evidence" / "credit-quality.md"


def page(result: Found) -> str:
    """The whole page."""
    starts, anchors = result["starts"], result["anchors"]
    strong, weak = starts["strong"], starts["weak"]
    parts = [_question(result), "## Where the true advantage lies", kinds_table(result), _kinds_read(strong, weak)]
    parts += ["## Methods", METHODS_SAID]
    for name, start in starts.items():
        parts += [f"### Methods at `{name}`", methods_table(start["methods"])]
    parts += [_methods_read(strong, weak), "## Lexicons", LEXICONS_SAID]
    for name, start in starts.items():
        parts += [f"### Lexicons at `{name}`", lexicons_table(start["lexicons"])]
        parts += [
            "Cosine minus that of `none`, with the mask of each lexicon:",
            lexicon_methods_table(start["lexicons"]),
        ]
    parts += [
        _lexicons_read(strong, weak),
        "## Sentences of real traces",
        _anchors_said(anchors),
        anchors_table(anchors),
    ]
    return "\n\n".join([*parts, _anchors_read(anchors), LIMITS]) + "\n"


def _question(result: Found) -> str:
    rows = [
        [
            name, share(start["accuracy"]), str(start["sampled"]), str(start["problems"]), str(start["rollouts"]),
            str(start["tokens"]), share(start["asked"]), share(start["matters"]), decimal(start["reliability"]["ceiling"], 2),
        ]
        for name, start in result["starts"].items()
    ]  # fmt: skip
    head = (
        "policy",
        "right",
        "responses drawn",
        "mixed groups",
        "examined",
        "tokens",
        "not forced",
        "matter for sure",
        "ceiling",
    )
    return f"""# Credit quality: where does the true advantage of tokens lie, and which method puts its weight there?

    python studies/hierarchy/quality.py --data DIR    # about two CPU-minutes a policy; without --data the last part is kept
    python studies/hierarchy/quality.py --page        # this page from the stored result

`--model NAME=FOLDER`, once or more often, adds policies beside `strong` and `weak`. `--data` names a folder of labelled traces of
real models; only [the last part](#sentences-of-real-traces) reads it. Methods are called
by [their names in hicra](../methods/README.md); `none` is GRPO.

A credit method says how much each token earns. Where a policy can be asked to go on from any prefix, the right answer is known
up to noise: the true advantage of a token, a = V(after it) - V(before it), with V the chance that the policy ends right from
there. On the embedded task each V is the mean of {result["continuations"]} fresh continuations, so its standard error is at most
{result["standard_error"]}. A token that is all but forced takes the value of the token before; that changes no value by more than
{result["slack"]} (`hicra.signal.quality`). Every figure of size is a product of two independent halves of the continuations, so
that noise adds nothing to it; formulas and open choices are in `hicra.metrics.credit_quality`
([deviations QUALITY and TRUTH](../deviations.md)). Intervals are 95 % jackknives over problems.

Batches of 32 problems with 8 responses each were drawn as in training (seeds from {result["seed"]}), and the first two responses
of each group with right and wrong ones were examined; the other groups teach nothing. *Not forced* are tokens beside which a
value had to be asked for. *Matter for sure* are those with |a| above 0.1 by a one-sided 95 % test each. *Ceiling* is about the
rank agreement that a method would reach that knew every advantage: the rest is noise of the estimate.

{table(head, rows)}

`strong` and `weak` are the start models that come with the package. A policy with a step is the one that plain GRPO had reached
from the first warm start of that strength in the [registered study](../study.md). There is one draw of problems, and no verdict
of the study rests on these figures."""


def _kinds_read(strong: Found, weak: Found) -> str:
    def of(start: Found, kind: str) -> str:
        return f"{with_ci(start['kinds'][kind], 'share', 1, percent=True)} %"

    return f"""*Lift* is the share of a² over the share of tokens: 1 is what any token gets. *Result* is
the number after an equals sign, *end* the answer and the end token. Shares of a² are freed from noise and may come out below 0;
the two columns of |a| are not: noise draws the first down and the second up.

- From the strong start {of(strong, "planning")} of the squared advantage lie on planning tokens, which are
  {share(strong["kinds"]["planning"]["tokens"])} of the tokens; {of(strong, "plan")} on plans alone.
- From the weak start {of(weak, "planning")} lie there, and {of(weak, "result")} on the results of equations, which are
  {share(weak["kinds"]["result"]["tokens"])} of the tokens.

So the true credit lies on planning at the one start and on execution at the other, and no gradient was needed to see it. At the
strong start nearly all execution tokens are forced, and a forced token has no advantage."""


METHODS_SAID = """With A the method's advantage and sums over tokens:

- **cosine**: sum A a / sqrt(sum A² · sum a²). 1 means that the method gives every token its true advantage up to a factor.
- **focus**: the mean of a² where the method puts its mass |A|, over its mean on all tokens. Above 1 also for `none`, since a rare
  right response has a large A, and its tokens large advantages.
- **lift**: the share of the mass on tokens that matter for sure, over the share of such tokens.
- **rank**: Spearman's correlation of A and a over all tokens; **of size**: of |A| and a²; **within**: the mean over responses in
  which both have an order (`none` has none). All are to be read against the ceiling.

Methods with their default settings unless said; the exact mask. A method that only rescales rows or the batch (`whiten`,
`difficulty_all`) can hardly move these figures, nor can one factor for a batch (`normalise`)."""


def _methods_read(strong: Found, weak: Found) -> str:
    def best(start: Found, count: int = 3) -> str:
        names = sorted(start["methods"], key=lambda name: -(start["methods"][name]["cosine"] or 0))[:count]
        return ", ".join(f"`{name}` {decimal(start['methods'][name]['cosine'], 2)}" for name in names)

    def gain(start: Found, name: str) -> str:
        return with_ci(start["methods"][name], "cosine_difference", 3, sign=True)

    return f"""Read:

- **GRPO gives every token of a response the same, and that is mostly wrong**: cosine
  {with_ci(strong["methods"]["none"], "cosine")} (strong) and {with_ci(weak["methods"]["none"], "cosine")} (weak).
- **What selects by entropy comes nearest at both starts**: strong {best(strong)}; weak {best(weak)}. A forced token has no
  advantage, so uncertainty is a bound on it, whatever the kind.
- **HICRA at 0.2 changes little**: {gain(strong, "hicra")} (strong), {gain(weak, "hicra")} (weak); at 0.8
  {gain(strong, "hicra@alpha=0.8")} and {gain(weak, "hicra@alpha=0.8")}. Of its parts, difficulty gives
  {gain(strong, "hicra_difficulty")} and {gain(weak, "hicra_difficulty")}, the bonus {gain(strong, "hicra_bonus")} and
  {gain(weak, "hicra_bonus")}.
- **Its order within a response follows the true advantage only in right ones.** In a wrong response HICRA makes planning tokens
  the least blamed, though the plan is what was wrong: `hicra_positive` has
  {with_ci(strong["methods"]["hicra_positive"], "rank_within")} within responses at the strong start, `hicra_negative`
  {with_ci(strong["methods"]["hicra_negative"], "rank_within")}.
- **Planning tokens alone**: {gain(strong, "planning_only")} (strong), {gain(weak, "planning_only")} (weak). The controls on other
  tokens: placebo {gain(strong, "placebo")} and {gain(weak, "placebo")}, random tokens {gain(strong, "random_tokens")} and
  {gain(weak, "random_tokens")}.

Better credit is not yet a better run: `planning_only` has good credit at the strong start, and nothing in these figures sees that
execution which no gradient holds drifts away."""


LEXICONS_SAID = """\
Worse lexicons are made from the exact one: phrases are left out at random until the rest hold about 75, 50 or 25 % of the
planning tokens, or all those of two strategies are left out; or numbers and operators are put in until half of the marked
tokens are execution. The mined one comes from the right ones of 2,048 responses of the same policy. The share of a² on the
marked tokens, over their share of all tokens, says what the mask is worth before any method uses it."""


def _lexicons_read(strong: Found, weak: Found) -> str:
    paper = strong["lexicons"]["paper"]

    def lift(start: Found, name: str) -> str:
        return with_ci(start["lexicons"][name]["mask"], "lift")

    return f"""Read:

- The paper's list is made for prose. Of this task's phrases it knows "we can", "now" and "so":
  {share(paper["recall"])} of the planning tokens (strong), and the lift of what it marks is {lift(strong, "paper")}.
- The exact lexicon has a lift of {lift(strong, "exact")} at the strong start and {lift(weak, "exact")} at the weak one: the
  same words are worth much there and little here. No lexicon is good in itself.
- The mined one: {lift(strong, "mined")} and {lift(weak, "mined")}, at a recall of {share(strong["lexicons"]["mined"]["recall"])}
  and {share(weak["lexicons"]["mined"]["recall"])}.
- The exact lexicon marks whole phrases alone. Of the squared advantage on planning words at the strong start,
  {with_ci(strong["kinds"]["planning"], "share", 1, percent=True)} %, it holds
  {with_ci(strong["lexicons"]["exact"]["mask"], "share", 1, percent=True)} %: the rest lies on a few words of broken phrases,
  which cost the reward.
- Which phrases are left out may matter as much as how many: at a recall of 25 % the two draws have the lifts
  {lift(strong, "recall 25%, draw 1")} and {lift(strong, "recall 25%, draw 2")} (strong); the intervals are wide.
- At the weak start a list that marks numbers by mistake can be the better one: of the two with half precision, lifts
  {lift(weak, "precision 50%, draw 1")} and {lift(weak, "precision 50%, draw 2")}."""


def _anchors_said(anchors: Found) -> str:
    return f"""\
thought-anchors resampled solutions with and without each sentence ({anchors["traces"]} traces of R1-Distill-Qwen-14B and
R1-Distill-Llama-8B on {anchors["questions"]} MATH questions, {anchors["sentences"]} sentences, labels by a model). The absolute
change in accuracy is the nearest that there is to the |a| of a sentence; the KL of the answers says how much the sentence
changes, right or wrong. How much of it lies on sentences that a lexicon marks? (A sentence is marked when a phrase lies inside
it; with `planning`, when half of its characters lie in spans.) Intervals are jackknives over questions, with all traces of
each. Random masks mark as many sentences of each trace, or of each fifth of each trace: mean and central 95 % of
{anchors["draws"]} draws. The last rows mark what the annotator called planning, uncertainty or checking."""


def _anchors_read(anchors: Found) -> str:
    accuracy, kl = MEASURES

    def said(name: str, measure: str) -> str:
        found = anchors["lexicons"][name][measure]
        return f"{share(found['share'])} on {share(found['sentences'])} of the sentences"

    return f"""Read:

- By the change in accuracy `paper` has {said("paper", accuracy)} and `paper-n3` {said("paper-n3", accuracy)}: more than
  random masks of their size. Within fifths of the trace random masks reach as much, so it is where these phrases stand and not
  shown to be what they are. `planning` has {said("planning", accuracy)}, the annotator's own labels {said(LABELLED, accuracy)}.
- By the KL `planning` has {said("planning", kl)}; the interval of its lift holds 1, and within fifths of the trace random masks
  reach as much.
- The rank agreement within traces is weak, at most about 0.2. Importance here is not freed from its own noise, which draws every
  share towards the share of sentences; so this is no proof that planning sentences matter no more than others."""


LIMITS = """## Limits

- The true advantage is that of the policy as it is, on the tokens that it drew. A token on which it is sure and wrong has no
  advantage, although another policy would gain there.
- One draw of problems and responses a start, and no correction for the number of methods: of 20 differences, one interval misses
  0 by luck.
- Groups with equal rewards are left out, and of a mixed group two responses were examined; the figures are those of such tokens.
- The set that matters for sure is small, since |a| must pass 0.1 by more than its error; focus needs no such set.
- Real models: not measured. For SmolLM2 on arithmetic 100 continuations a prefix are too slow on a CPU; `true_advantages` takes
  any function that goes on from a prefix.
- QVal (arXiv 2606.32034) asks a like question of dense rewards for agents: the rank correlation of a method's score with the
  Q-values of a strong reference policy over pairs of state and action. Here the unit is a token, the value is that of the policy
  that is trained, V is taken off, and cosine and focus are added, since ranks say little where most values are 0. Its
  figures and these are not comparable."""
