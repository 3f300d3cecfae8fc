"""GRPO with a clipped token ratio and a k3 penalty towards the reference: a loss to start from."""
import torch

from grouprl_torch import serve

EPSILON = 1e-4  # keeps the spread of equal rewards from dividing by 0
LIMIT = 80.0  # no trained token's log-ratio comes near it; beyond, exp overflows and 0 * inf reaches the gradient


def grpo(batch, hyperparameters):
    low, high = hyperparameters.get("clip.low", 0.2), hyperparameters.get("clip.high", 0.2)
    beta = hyperparameters.get("beta", 0.04)
    mask = batch["mask"]
    logps, old_logps = trained(batch["logps"], mask), trained(batch["old_logps"], mask)
    advantage = advantages(batch["rewards"], batch["groups"]).unsqueeze(1)  # [N, 1]: one for all tokens of a row

    ratio = exp(logps - old_logps)
    objective = torch.min(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)
    if "ref_logps" in batch:
        objective = objective - beta * k3(logps, trained(batch["ref_logps"], mask))
    return -mean_of_row_means(objective, mask)


def trained(values, mask):
    """0 at masked places, before any arithmetic: 0 * NaN is NaN, and a NaN masked later still spoils the gradient."""
    return torch.where(mask, values, torch.zeros_like(values))


def advantages(rewards, groups):
    """Rewards as standard scores of their group, found by its label: rows in any order, groups of any size."""
    scores = torch.zeros_like(rewards)
    for label in groups.unique():
        rows = groups == label
        if rows.sum() > 1:  # a completion alone has nothing to be compared with
            own = rewards[rows] - rewards[rows].min()  # equal rewards are now exactly 0, and so is their mean
            scores[rows] = (own - own.mean()) / (own.std() + EPSILON)
    return scores


def exp(log_ratio):
    return log_ratio.clamp(-LIMIT, LIMIT).exp()


def k3(logps, ref_logps):
    """exp(x) - 1 - x with x = log(ref / policy): never negative, 0 at the reference, on average the KL divergence."""
    x = (ref_logps - logps).clamp(-LIMIT, LIMIT)
    return torch.expm1(x) - x


def mean_of_row_means(values, mask):
    """The mean over a row's trained tokens, then over rows that have any."""
    row_means = trained(values, mask).sum(1) / mask.sum(1).clamp(min=1)
    return row_means.sum() / mask.any(1).sum().clamp(min=1)


if __name__ == "__main__":
    serve(grpo, name="grpo-torch")
