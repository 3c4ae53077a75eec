"""verl's buffer of rollouts, with a batch in the order of its tokens, and not of ids that are drawn anew in every run."""

import transfer_queue as tq
from verl.trainer.ppo.v1.replay_buffer import ReplayBuffer


class Ordered(ReplayBuffer):
    def sample(self, global_steps, partition_id, batch_size):
        batch, metrics = super().sample(global_steps, partition_id, batch_size)
        text = tq.kv_batch_get(keys=batch.keys, partition_id=partition_id, select_fields=["prompts", "responses"])
        rows = [
            (a.tolist(), b.tolist()) for a, b in zip(text["prompts"].unbind(), text["responses"].unbind(), strict=True)
        ]
        batch.reorder(sorted(range(len(rows)), key=rows.__getitem__))
        return batch, metrics
