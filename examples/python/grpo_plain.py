"""The objective of grpo_torch.py with a gradient derived by hand: what a loss in any other language looks like."""
import math
import statistics

from grouprl_plain import serve

EPSILON = 1e-4
LIMIT = 80.0  # no trained token's log-ratio comes near it; beyond, exp would overflow


def grpo(batch, hyperparameters):
    low, high = hyperparameters.get("clip.low", 0.2), hyperparameters.get("clip.high", 0.2)
    beta = hyperparameters.get("beta", 0.04)
    advantage = advantages(batch["rewards"], batch["groups"])
    weight = token_weights(batch["mask"])
    value, grad = 0.0, [[0.0] * len(row) for row in batch["logps"]]
    for i, t in trained_places(batch["mask"]):
        objective, slope = surrogate(batch["logps"][i][t] - batch["old_logps"][i][t], advantage[i], low, high)
        if "ref_logps" in batch:
            penalty, pull = k3(batch["ref_logps"][i][t] - batch["logps"][i][t])
            objective, slope = objective - beta * penalty, slope - beta * pull
        value -= weight[i] * objective
        grad[i][t] = -weight[i] * slope
    return value, grad


def surrogate(log_ratio, advantage, low, high):
    """min(r A, clip(r) A) and its derivative by the token's log-probability: r A, or 0 where the clip holds it."""
    ratio = math.exp(min(max(log_ratio, -LIMIT), LIMIT))
    clipped = min(max(ratio, 1 - low), 1 + high)
    held = abs(log_ratio) > LIMIT or (ratio > 1 + high if advantage > 0 else ratio < 1 - low)
    return min(ratio * advantage, clipped * advantage), 0.0 if held else ratio * advantage


def k3(x):
    """exp(x) - 1 - x with x = log(ref / policy), and its derivative by the token's log-probability, 1 - exp(x)."""
    if abs(x) > LIMIT:
        return k3(math.copysign(LIMIT, x))[0], 0.0
    return math.expm1(x) - x, -math.expm1(x)


def advantages(rewards, groups):
    """Rewards as standard scores of their group; a completion alone has nothing to be compared with."""
    scores = [0.0] * len(rewards)
    for label in set(groups):
        rows = [i for i, group in enumerate(groups) if group == label]
        lowest = min(rewards[i] for i in rows)
        own = [rewards[i] - lowest for i in rows]  # equal rewards are now exactly 0, and so is their mean
        mean, std = math.fsum(own) / len(own), statistics.stdev(own) if len(own) > 1 else 0.0
        for i, reward in zip(rows, own):
            scores[i] = (reward - mean) / (std + EPSILON)
    return scores


def token_weights(mask):
    """What a token of each row weighs: the mean over its row, then over rows that have a trained token."""
    lengths = [sum(row) for row in mask]
    rows = sum(length > 0 for length in lengths)
    return [1 / (rows * length) if length else 0.0 for length in lengths]


def trained_places(mask):
    return [(i, t) for i, row in enumerate(mask) for t, on in enumerate(row) if on]


if __name__ == "__main__":
    serve(grpo, name="grpo-plain")
