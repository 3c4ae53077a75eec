"""`hicra eval` evaluates a model (or saved samples) on benchmarks, with intervals; docs/how-to/evaluate.md has the rules.

from hicra.evaluate.evaluate import evaluate
from hicra.evaluate.settings import EvalSettings
result = evaluate(model="DIR", data=["gsm8k_test.jsonl.gz"], settings=EvalSettings(k=(1, 4), n=4), out=Path("eval"))
print(result["text"])
"""
