# %% [markdown]
# # Plug HICRA into TRL
#
# Two steps of `GRPOTrainer` with HICRA's advantages on a small model that comes with hicra; needs the extra `train`. Run it in
# the checkout: `python examples/notebooks/plug_into_trl.py`. The same as a plain script, with the four changed lines marked, is
# `examples/trl_four_lines.py`.

# %%
from tempfile import mkdtemp

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer

from hicra.engines.trl import HicraGRPOConfig, HicraGRPOTrainer
from hicra.tasks.plan_execute import PlanExecute

torch.set_num_threads(1)  # a model of 0.3M parameters is fastest on one
task = PlanExecute()
tokenizer = AutoTokenizer.from_pretrained(task.warm_start("strong"))
model = AutoModelForCausalLM.from_pretrained(task.warm_start("strong"))
problems = Dataset.from_list(task.rows("train", 8))

# %% [markdown]
# ## A reward, as in any script on TRL


# %%
def right(completion_ids, **columns):
    rewards = []
    for place, ids in enumerate(completion_ids):
        problem = {name: columns[name][place] for name in ("noun", "a", "b", "c", "goal")}
        text = tokenizer.decode(ids, skip_special_tokens=True)
        rewards.append(task.score(text, problem, ended=tokenizer.eos_token_id in ids).reward)
    return rewards


# %% [markdown]
# ## The trainer
# The config takes every field of `GRPOConfig` and three of HICRA. With `alpha` 0 the run equals plain GRPO bit for bit.

# %%
args = HicraGRPOConfig(
    lexicon="paper",
    method="hicra",
    method_settings={"alpha": 0.2},
    output_dir=mkdtemp(),
    max_steps=2,
    per_device_train_batch_size=16,
    num_generations=4,
    max_completion_length=task.max_new_tokens,
    learning_rate=6e-4,
    logging_steps=1,
    save_strategy="no",
    report_to="none",
    disable_tqdm=True,
    use_cpu=True,
    bf16=False,
)
trainer = HicraGRPOTrainer(
    model=model, reward_funcs=right, args=args, train_dataset=problems, processing_class=tokenizer
)
trainer.train()

# %% [markdown]
# ## Is it active?
# `changed_share` is the share of tokens whose advantage HICRA changed. A run in which it stays 0 is plain GRPO.

# %%
for entry in trainer.state.log_history:
    if "reward" in entry:
        print(
            f"reward {entry['reward']:.3f}", {key: entry[f"hicra/{key}"] for key in ("planning_share", "changed_share")}
        )
