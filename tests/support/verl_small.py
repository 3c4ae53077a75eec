"""The small world of verl's tests: a language of 16 words, a random model that speaks it, prompts, a reward, a run of verl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

LANGUAGE = "hold on let me recheck so the sum of three and nine is twelve minus one"
GRAMS = ("hold on", "let me", "me recheck", "recheck", "so")
SPECIAL = ["<pad>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
REWARD = '''"""A fixed function of the response, in steps of 1/7; right where it is odd."""
import zlib


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **others):
    eighth = zlib.crc32(solution_str.encode()) % 8
    return {"score": eighth / 7, "acc": bool(eighth % 2)}
'''
LENGTH, GROUP, PROMPTS = 16, 4, 4


def make_tokenizer():
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=700, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator([" " + LANGUAGE] * 8, trainer)
    made = transformers.PreTrainedTokenizerFast(tokenizer_object=bpe, pad_token="<pad>", eos_token="<|im_end|>")
    made.chat_template = TEMPLATE
    return made


def make_world(folder: Path) -> None:
    """Writes `model/`, `prompts.parquet`, `reward.py` and `grams.txt`."""
    tokenizer = make_tokenizer()
    transformers.set_seed(5)
    config = transformers.Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=256, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, bos_token_id=None,
    )  # fmt: skip
    model = transformers.Qwen2ForCausalLM(config).to(torch.float32)
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    words = [tokenizer(f" {word}")["input_ids"] for word in LANGUAGE.split()]
    assert all(len(ids) == 1 for ids in words)
    spoken = sorted({tokenizer.eos_token_id, *(ids[0] for ids in words)})
    (folder / "model" / "spoken.json").write_text(json.dumps(spoken))
    (folder / "reward.py").write_text(REWARD)
    (folder / "grams.txt").write_text("\n".join(GRAMS) + "\n")
    rows = [
        {
            "data_source": "words", "prompt": [{"role": "user", "content": " ".join(LANGUAGE.split()[at : at + 3])}],
            "ability": "words", "reward_model": {"style": "rule", "ground_truth": str(at)},
            "extra_info": {"index": at, "split": "train"},
        }
        for at in range(12)
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(folder / "prompts.parquet")


def arguments(folder: Path, workers: int, **changed: object) -> list[str]:
    """The overrides of a run of verl on this world; `changed` by their dotted keys, the dots written as two underscores."""
    actor, rollout, trainer = "actor_rollout_ref.actor", "actor_rollout_ref.rollout", "trainer"
    keys = {
        "data.train_files": folder / "prompts.parquet", "data.val_files": folder / "prompts.parquet",
        "data.train_batch_size": PROMPTS, "data.max_prompt_length": 64, "data.max_response_length": LENGTH,
        "data.dataloader_num_workers": 0, "data.shuffle": False, "data.seed": 1,
        "actor_rollout_ref.model.path": folder / "model",
        "+actor_rollout_ref.model.override_config.attn_implementation": "sdpa",
        "actor_rollout_ref.model.use_remove_padding": False, "actor_rollout_ref.model.enable_gradient_checkpointing": False,
        f"{actor}.strategy": "fsdp2", f"{actor}.fsdp_config.strategy": "fsdp2", f"{actor}.ppo_mini_batch_size": PROMPTS,
        f"{actor}.ppo_micro_batch_size_per_gpu": 4, f"{actor}.use_kl_loss": False, f"{actor}.optim.lr": "1e-2",
        f"{actor}.use_torch_compile": False,
        f"++{actor}.fsdp_config.mixed_precision": "{param_dtype:fp32,reduce_dtype:fp32,buffer_dtype:fp32}",
        f"{rollout}.name": "on_cpu", f"{rollout}.n": GROUP, f"{rollout}.tensor_model_parallel_size": 1,
        f"{rollout}.log_prob_micro_batch_size_per_gpu": 4, f"{rollout}.calculate_log_probs": True,
        f"{rollout}.agent.num_workers": 1, f"{rollout}.free_cache_engine": False,
        "algorithm.adv_estimator": "grpo", "reward.custom_reward_function.path": folder / "reward.py", "reward.num_workers": 1,
        f"{trainer}.logger": "[console]", f"{trainer}.n_gpus_per_node": workers, f"{trainer}.nnodes": 1,
        f"{trainer}.device": "cpu", f"{trainer}.total_epochs": 9, f"{trainer}.val_before_train": False,
        f"{trainer}.save_freq": -1, f"{trainer}.test_freq": -1, f"{trainer}.resume_mode": "disable",
        f"{trainer}.default_local_dir": folder / "checkpoints",
        "transfer_queue.backend.SimpleStorage.num_data_storage_units": 1,  # of 8, each a process that imports torch
        "ray_kwargs.ray_init.num_cpus": 16, "+ray_kwargs.ray_init.num_gpus": workers,
        "+ray_kwargs.ray_init.include_dashboard": False,
    }  # fmt: skip
    keys |= {name.replace("__", "."): value for name, value in changed.items()}
    return [f"{key}={value}" for key, value in keys.items()]


ORDERED = {
    "trainer.v1.sampler.custom_sampler.path": "pkg://verl_on_cpu.order",
    "trainer.v1.sampler.custom_sampler.name": "Ordered",
}


def run(
    folder: Path, *overrides: str, workers: int = 2, record: Path | None = None, show: bool = True, **env: str
) -> str:
    """Runs verl's own command in a process of its own, shows what it says, and returns it; fails where it fails."""
    environment = os.environ | {
        "VERL_PLATFORM": "cpu", "VERL_ENGINE_DEVICE": "cuda", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false", "RAY_DEDUP_LOGS": "0", "HYDRA_FULL_ERROR": "1", "PYTHONWARNINGS": "ignore",
        "PYTHONHASHSEED": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0",
        "VERL_ON_CPU_RECORD": str(record or ""), **env,
    }  # fmt: skip
    command = [sys.executable, "-m", "verl.trainer.main_ppo", *arguments(folder, workers), *overrides]
    said = []
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as job:
        assert job.stdout
        for line in job.stdout:
            said.append(line)
            if show:
                print(line, end="", flush=True)
    text = "".join(said)
    assert job.returncode == 0, f"verl ended with {job.returncode}:\n{text[-4000:]}"
    return text
