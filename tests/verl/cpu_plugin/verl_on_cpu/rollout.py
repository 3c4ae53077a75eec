"""A rollout of verl that samples with transformers in a Ray actor, and takes over the trained weights after each step.

What it samples depends on the prompt, the step and how often the prompt was asked for in that step, and on nothing else: not on
which of several servers is asked. A file `spoken.json` in the model's folder holds the token ids that may be sampled, so that a
random model writes words.
"""

import asyncio
import itertools
import json
import zlib
from collections import Counter
from pathlib import Path

import ray
import torch
from transformers import AutoModelForCausalLM
from verl.workers.rollout.base import BaseRollout
from verl.workers.rollout.replica import RolloutReplica, TokenOutput

SERVER = "verl_on_cpu_server_{}"


@ray.remote(num_cpus=0)
class Server:
    def __init__(self, model, length, number):
        torch.set_num_threads(1)
        self.place = number
        self.model, self.length = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval(), length
        self.spoken = torch.tensor(json.loads((Path(model) / "spoken.json").read_text()))
        self.step, self.asked, self.lock = 0, Counter(), asyncio.Lock()

    async def generate(self, request_id, prompt_ids, sampling_params, image_data=None, video_data=None, **others):
        key = (*prompt_ids, self.step)
        first = ray.get_actor(SERVER.format(0)) if self.place else None
        times = await first.count.remote(key) if first else await self.count(key)
        async with self.lock:
            draw = torch.Generator().manual_seed(zlib.crc32(repr((key, times)).encode()))
            ids, logps = self._sampled(list(prompt_ids), sampling_params, draw)
        return TokenOutput(
            token_ids=ids, log_probs=logps, stop_reason="completed", extra_fields={"global_steps": self.step}
        )

    async def count(self, key):
        """The first server counts for all."""
        self.asked[key] += 1
        return self.asked[key]

    @torch.no_grad()
    def _sampled(self, prompt, asked, draw):
        ids, logps = [], []
        end = self.model.config.eos_token_id
        given, cache = torch.tensor([prompt]), None
        while len(ids) < asked.get("max_tokens", self.length) and end not in ids:
            out = self.model(given, past_key_values=cache, use_cache=True)
            scores, cache = out.logits[0, -1].log_softmax(-1), out.past_key_values
            chances = scores[self.spoken].softmax(-1)
            greedy = not asked.get("temperature", 1.0)
            place = chances.argmax() if greedy else torch.multinomial(chances, 1, generator=draw)[0]
            ids.append(int(self.spoken[place]))
            logps.append(float(scores[ids[-1]]))
            given = torch.tensor([[ids[-1]]])
        return ids, logps

    def load(self, weights, step):
        self.model.load_state_dict(weights, strict=False)
        self.step = step or 0

    async def wake_up(self):
        pass

    sleep = resume_generation = clear_kv_cache = release_kv_cache = resume_kv_cache = wake_up

    async def abort_all_requests(self, reject_request=False):
        pass


class Replica(RolloutReplica):
    async def launch_servers(self):
        name = SERVER.format(self.replica_rank)
        server = Server.options(name=name, max_concurrency=64).remote(
            self.model_config.path, self.config.response_length, self.replica_rank
        )
        self.servers, self._server_handle, self._server_address = [server], server, name


class Adapter(BaseRollout):
    async def resume(self, tags):
        pass

    async def release(self):
        pass

    async def update_weights(self, weights, wire_format="named_tensors", **others):
        copied = {name: tensor.detach().cpu().float().clone() for name, tensor in weights}  # on every rank: it gathers
        if torch.distributed.get_rank():
            return
        for number in itertools.count():
            try:
                server = ray.get_actor(SERVER.format(number))
            except ValueError:
                break
            await server.load.remote(copied, others.get("global_steps"))
        assert number, "no server has taken the weights"
