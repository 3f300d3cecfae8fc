"""A GRPO trainer's loss made of functions that can be replaced one at a time. As it stands it obeys every law."""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "examples" / "python"))
from grouprl_torch import serve

HYPERPARAMETERS = {"beta": 0.04, "clip.low": 0.2, "clip.high": 0.2, "entropy": 0.0}
EPSILON = 1e-4
LIMIT = 80.0


def main(name, maximise=False):
    serve(step, name, maximise, capabilities=["accumulation", "devices", "frozen"])


def step(batch, hyperparameters):
    """What the trainer applies for a whole step, in one piece, in micro-batches or on several devices."""
    hyper = {**HYPERPARAMETERS, **hyperparameters}
    batch["advantages"] = advantages(batch)  # before the batch is cut: a group may lie on both sides
    if "devices" in batch:
        return reduce_devices(split(batch, batch["devices"]), hyper)
    return accumulate(split(batch, batch.get("accumulation", [len(batch["mask"])])), hyper)


# The step: micro-batches add up, devices are averaged.


def split(batch, sizes):
    """The batch in parts of so many consecutive rows."""
    fields = {field: x.split(sizes) for field, x in batch.items() if torch.is_tensor(x)}
    return [{field: x[i] for field, x in fields.items()} for i in range(len(sizes))]


def accumulate(parts, hyper):
    """The gradients of micro-batches add up, so each is divided by the rows of the whole step."""
    return sum(micro_loss(part, trained_rows(parts), hyper) for part in parts)


def reduce_devices(parts, hyper):
    """The gradients of devices are averaged, so each is multiplied by their number to add up, too."""
    return sum(len(parts) * micro_loss(part, trained_rows(parts), hyper) for part in parts) / len(parts)


def trained_rows(parts):
    return sum(part["mask"].any(1).sum() for part in parts).clamp(min=1)


def micro_loss(part, rows, hyper):
    """A part's share of the mean over so many rows."""
    part = keep_trained(part)
    objective = surrogate(importance_ratio(part), per_token(part), hyper) + entropy_bonus(part, hyper)
    if "ref_logps" in part:
        objective = objective - hyper["beta"] * kl(part["logps"], part["ref_logps"])
    return sign(aggregate(objective, part["mask"], rows))


# Masks.


def keep_trained(part):
    """The part with 0 at masked places, so that nothing that stands there reaches the loss or the gradient."""
    mask = loss_mask(part)
    kept = {field: keep(x, mask) for field, x in part.items() if x.shape == mask.shape and x.is_floating_point()}
    return {**part, **kept, "mask": mask}


def keep(values, mask):
    return torch.where(mask, values, torch.zeros_like(values))


def loss_mask(part):
    return part["mask"]


# Advantages.


def advantages(batch):
    mean, std = group_statistics(batch["rewards"], batch["groups"])
    return (batch["rewards"] - mean) / (std + EPSILON)


def group_statistics(rewards, groups):
    """Mean and sample standard deviation of each row's own group, which its label names."""
    mean, std = torch.zeros_like(rewards), torch.zeros_like(rewards)
    for label in groups.unique():
        own = rewards[groups == label]
        mean[groups == label] = own.min() + (own - own.min()).mean()  # exact where rewards are equal
        std[groups == label] = own.std() if len(own) > 1 else 0.0
    return mean, std


def per_token(part):
    """The advantage of each row as a column, for all of its tokens."""
    return part["advantages"].unsqueeze(1)


# The objective of a token.


def importance_ratio(part):
    return exp(log_ratio(part))


def log_ratio(part):
    return part["logps"] - part["old_logps"]


def exp(x):
    return x.clamp(-LIMIT, LIMIT).exp()


def surrogate(ratio, advantage, hyper):
    """The smaller of the objective and its clipped self: what is clipped is only ever a gain."""
    return torch.min(ratio * advantage, clip(ratio, hyper) * advantage)


def clip(ratio, hyper):
    return ratio.clamp(1 - hyper["clip.low"], 1 + hyper["clip.high"])


def kl(logps, ref_logps):
    """k3, exp(x) - 1 - x with x = log(ref / policy)."""
    x = (ref_logps - logps).clamp(-LIMIT, LIMIT)
    return torch.expm1(x) - x


def entropy_bonus(part, hyper):
    """-p log p of the tokens that were sampled, off unless asked for."""
    return -hyper["entropy"] * exp(part["logps"]) * part["logps"]


# From tokens to the loss.


def aggregate(objective, mask, rows):
    """The mean over a row's trained tokens, then over rows that have any."""
    return (keep(objective, mask).sum(1) / mask.sum(1).clamp(min=1)).sum() / rows


def sign(objective):
    """The objective is to grow, the loss to fall."""
    return -objective


def detached(part):
    """The log-probabilities at which a detached term stands."""
    return part.get("frozen_logps", part["logps"].detach())


if __name__ == "__main__":
    main("trainer")
