"""Where the learning signal is: the policy gradient, split by kind of token and by credit method, measured at a fixed policy.

    rollouts -> advantages of every method -> a few components -> gradients of a batch -> inner products -> signal, noise, cosine

- components.py: advantages of many methods as sums of a few, so that a backward pass is made for a component and not a method.
- gradients.py: the gradients of a batch, one for each component; projection.py makes them short. Only these need torch.
- products.py: what the inner products of the batches' gradients tell, with intervals; subsets.py has the numbers without some
  batches, which the intervals need.
- measure.py: the whole measurement, batch by batch, in a folder that can be resumed (store.py).
- halves.py: the same from two halves of a generation, for engines that measure while they train; memory.py remembers it over
  the steps of a run.
- quality.py: beside the gradient, the true advantage of every token by fresh continuations; it knows no model either.
"""
