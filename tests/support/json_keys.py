"""Keys of the JSON object of each verb that scripts outside the project rely on; objects may hold more.

`a.b` is key b of the object under a, `a.*.b` key b of every value under a. docs/reference/cli.md lists them, and
tests/compat/test_json_keys.py asks the verbs.
"""

_SCORES = "units base_rate precision recall f1 lift char_share"
_VERDICTS = "n correct wrong no_answer timeout error bad_gold seconds"
_EVALUATED = "questions samples avg_at_n pass_at_k ci verdicts"
_COMPARED = "arm n_seeds mean ci difference difference_ci p p_holm prob_improvement verdict"
_METHOD = "name kind needs settings source"


def _each(where: str, keys: str) -> list[str]:
    return [f"{where}.{key}" for key in keys.split()]


JSON_KEYS: dict[str, list[str]] = {
    "demo": ["run_dirs", "report", *_each("signal.*", "kinds methods batches rollouts accuracy seconds")],
    "corpus inspect": [
        *("format", "columns", "extra_columns", "rows", "kept", "skipped", "duplicates"),
        *("correct", "wrong", "unknown", "steps", "questions", "errors"), *_each("errors.*", "file line reason"),
    ],
    "mine": ["solutions", "ngrams", "embedded", "clusters", "grams", "content_hash", "seconds", "peak_rss_mb"],
    "lexicon show": ["name", "grams", "clusters", "content_hash"],
    "lexicon diff": ["added", "removed", "common", "jaccard"],
    "lexicon score": _SCORES.split(),
    "lexicon fit": ["grams", "units", "cv_precision", "cv_recall", "cv_f1"],
    "lexicon sheet": ["sheet", "key", "items", "grams", "foils", "absent", "left_out", "responses", "question"],
    "lexicon agree": [
        *("content_hash", "items", "grams", "foils", "raters", "majority", "difference", "difference_interval", "by_occurrence"),
        *_each("raters.*", "name grams foils unsure"), *_each("majority.*", "items strategic share interval"),
        *("pairs", "kappa", "kappa_interval", "clusters"),
    ],
    "lexicon push": ["repo", "grams", "content_hash"],
    "tag": ["rows", "tokens", "planning_tokens", "planning_share", "chars", "planning_chars", "tokens_per_second"],
    "verify": _VERDICTS.split(),
    "train": ["run_dir", "steps", "final"],
    "eval": ["files", *_each("files.*", _EVALUATED)],
    "signal": [
        *("kinds", "methods", "batches", "rollouts", "accuracy", "seconds"), *_each("kinds.*", "signal noise snr share ci"),
        *_each("methods.*", "cosine cosine_ci difference difference_ci bias_cosine snr"),
    ],
    "diagnose": [
        "steps", *_each("steps.*", "step rows"), "intervals", *_each("intervals.*", "step"), "coverage", "left_out",
        "findings", *_each("findings.*", "name text figures alarm headline rollouts then"),
        "not_seen", *_each("not_seen.*", "name text figures alarm headline rollouts then"),
        "unlooked", *_each("unlooked.*", "name why"), "run_dir",
    ],
    "compare": ["metric", "baseline", "comparisons", *_each("comparisons.*", _COMPARED), "power", "warnings"],
    "report": ["report", "bytes"],
    "watch": [
        *("run_dir", "method", "seed", "state", "step", "steps", "last", "signal_share", "signal_steps", "findings"),
        *("not_seen", "rollout", "tracker", "warnings"),
    ],
    "export": ["format", "out", "run_dirs", "files", "bytes", "warnings"],
    "methods": ["methods", *_each("methods.*", _METHOD)],
    "doctor": [
        "versions", "engines", *_each("engines.*", "version note"), "environments",
        *_each("environments.*", "version note"), "verl_plugin_registered", "problems", *_each("problems.*", "what fix"),
    ],
}  # fmt: skip
