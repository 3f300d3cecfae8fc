"""The peers: losses in PyTorch as a trainer writes them, and a property in Hypothesis.

Reads one JSON request a line and answers each with one line. Needs Debian's python3-torch (with python3-numpy) and python3-hypothesis.
"""
import json
import math
import sys
import time

try:
    import hypothesis
    import numpy
    import torch
    from hypothesis import strategies as st
except ImportError as missing:
    print(json.dumps({"error": f"{missing}; Debian's packages python3-torch, python3-numpy and python3-hypothesis have it"}), flush=True)
    sys.exit(0)


class Batch:
    """Padded columns of shape [B, T], as a trainer holds them."""

    def __init__(self, folder, rows, length, group):
        def column(name):
            return torch.from_numpy(numpy.fromfile(f"{folder}/{name}.f64").reshape(rows, length))

        self.logp = column("logps").requires_grad_()
        self.old, self.ref, self.entropy = column("old_logps"), column("ref_logps"), column("entropies")
        self.rewards = torch.from_numpy(numpy.fromfile(f"{folder}/rewards.f64"))
        self.mask = torch.ones(rows, length, dtype=torch.float64)
        self.group = group

    def advantages(self):
        """GRPO's: centred by the mean of the group, over its standard deviation."""
        rewards = self.rewards.view(-1, self.group)
        centred = rewards - rewards.mean(1, keepdim=True)
        return (centred / rewards.std(1, keepdim=True)).reshape(-1, 1)

    def row_mean(self, per_token):
        return ((per_token * self.mask).sum(1) / self.mask.sum(1)).mean()

    def lengths(self):
        return self.mask.sum(1)

    def log_ratio_sum(self):
        return ((self.logp - self.old) * self.mask).sum(1)


def clip(b, low=0.2, high=0.2, dual=None, beta=0.0):
    a = b.advantages()
    r = torch.exp(b.logp - b.old)
    loss = -torch.min(r * a, torch.clamp(r, 1 - low, 1 + high) * a)
    if dual is not None:
        loss = torch.where(a < 0, torch.min(loss, -dual * a), loss)
    if beta:
        y = b.ref - b.logp
        loss = loss + beta * (torch.exp(y) - y - 1)
    return b.row_mean(loss)


def soft_gate(b, positive=1.0, negative=1.05):
    a = b.advantages()
    tau = torch.where(a > 0, positive, negative)
    r = torch.exp(b.logp - b.old)
    return b.row_mean(-4 / tau * torch.sigmoid(tau * (r - 1)) * a)


def gradient_preserving(b):
    a = b.advantages()
    r = torch.exp(b.logp - b.old)
    still = r.detach()
    clipped = r / still * torch.clamp(still, 0.8, 1.2)
    return b.row_mean(-torch.min(r * a, clipped * a))


def sequence_ratio(b):
    a = b.advantages()
    s = torch.exp(b.log_ratio_sum() / b.lengths()).unsqueeze(1)
    return b.row_mean(-torch.min(s * a, torch.clamp(s, 1 - 3e-4, 1 + 4e-4) * a))


def sequence_token_ratio(b):
    a = b.advantages()
    mean = (b.log_ratio_sum() / b.lengths()).detach().unsqueeze(1)
    s = torch.exp(mean + b.logp - b.logp.detach())
    return b.row_mean(-torch.min(s * a, torch.clamp(s, 1 - 3e-4, 1 + 4e-4) * a))


def geometric_mean(b):
    a = b.advantages()
    sign = torch.sign(a)
    x = b.logp - b.old
    clipped = sign * torch.min(sign * x, sign * torch.clamp(x, -0.4, 0.4))
    return -(torch.exp((clipped * b.mask).sum(1) / b.lengths()) * a.squeeze(1)).mean()


def log_ratio_regression(b, tau=1.0):
    residual = b.advantages().squeeze(1) - tau * b.log_ratio_sum()
    return (residual ** 2 / (2 * tau) / b.lengths()).mean()


def group_variance(b, beta=0.1):
    s = b.log_ratio_sum().view(-1, b.group)
    residual = b.advantages().view(-1, b.group) - beta * (s - s.mean(1, keepdim=True))
    return (residual.reshape(-1) ** 2 / (2 * beta) / b.lengths()).mean()


def gamma_gain(b):
    a = b.advantages()
    with torch.no_grad():
        log = (torch.clamp(b.logp - b.old, -20, 20) * b.mask).sum(1, keepdim=True).clamp(math.log(1e-8), 20)
        k, rate = torch.where(a >= 0, 2.0, 3.0), torch.where(a >= 0, 3.0, 2.0)
        gain = torch.exp(rate + k * log - rate * torch.exp(log))
    return b.row_mean(-gain * a * b.logp)


def flipped_ratio(b, quantile=0.8, largest=3.0):
    a = b.advantages()
    low_entropy = b.entropy <= torch.quantile(b.entropy, quantile, dim=1, keepdim=True)
    high = torch.where(low_entropy, 1.2, 1.28)
    r = torch.exp(b.logp - b.old)
    still = torch.min(r.detach(), high)
    up = a * torch.min(r, high) / still ** 2
    up = torch.where(1 / still > largest, largest * a * b.logp, up)
    floor = torch.clamp(r, min=0.8)
    down = torch.where(floor.detach() > largest, largest * a * b.logp, a * floor)
    return b.row_mean(-torch.where(a >= 0, up, down))


LOSSES = {
    "grpo-k3": lambda b: clip(b, beta=0.04),
    "clip": clip,
    "dual-clip": lambda b: clip(b, dual=3.0),
    "unclipped": lambda b: b.row_mean(-torch.exp(b.logp - b.old) * b.advantages()),
    "soft-gate": soft_gate,
    "gradient-preserving": gradient_preserving,
    "own-ratio": lambda b: b.row_mean(-torch.exp(b.logp - b.logp.detach()) * b.advantages()),
    "log-likelihood": lambda b: b.row_mean(-b.logp * b.advantages()),
    "clipped-importance": lambda b: b.row_mean(-torch.clamp(torch.exp(b.logp - b.old), max=1.28).detach() * b.advantages() * b.logp),
    "sequence-ratio": sequence_ratio,
    "sequence-token-ratio": sequence_token_ratio,
    "geometric-mean": geometric_mean,
    "log-ratio-regression": log_ratio_regression,
    "group-variance": group_variance,
    "gamma-gain": gamma_gain,
    "flipped-ratio": flipped_ratio,
}


def evaluate(batch, name, threads):
    """Loss and backward, and how long both took."""
    torch.set_num_threads(threads)
    batch.logp.grad = None
    start = time.perf_counter()
    loss = LOSSES[name](batch)
    loss.backward()
    return time.perf_counter() - start, loss.item()


@st.composite
def prompts(draw):
    """Ragged completions of one prompt behind a shared prefix, on-policy, with rewards."""
    size = draw(st.integers(2, 5))
    prefix = draw(st.lists(st.floats(-4, -0.01), min_size=1, max_size=3))
    tails = draw(st.lists(st.lists(st.floats(-4, -0.01), max_size=3), min_size=size, max_size=size))
    rewards = draw(st.lists(st.integers(-8, 8), min_size=size, max_size=size))
    return prefix, tails, rewards


def prefix_neutrality(examples):
    """Dr. GRPO's credit on a shared prefix adds to 0: cases and seconds."""
    cases = 0

    @hypothesis.settings(max_examples=examples, database=None, deadline=None, derandomize=True)
    @hypothesis.given(prompts())
    def check(case):
        nonlocal cases
        cases += 1
        prefix, tails, rewards = case
        longest = len(prefix) + max(len(tail) for tail in tails)
        rows = [prefix + tail + [0.0] * (longest - len(prefix) - len(tail)) for tail in tails]
        mask = torch.tensor([[float(t < len(prefix) + len(tail)) for t in range(longest)] for tail in tails], dtype=torch.float64)
        logp = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
        r = torch.exp(logp - logp.detach())
        reward = torch.tensor(rewards, dtype=torch.float64)
        a = (reward - reward.mean()).unsqueeze(1)
        loss = -(torch.min(r * a, torch.clamp(r, 0.8, 1.2) * a) * mask).sum(1).mean()
        loss.backward()
        assert logp.grad[:, : len(prefix)].sum(0).abs().max() <= 1e-12

    start = time.perf_counter()
    check()
    return cases, time.perf_counter() - start


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    print(json.dumps({"torch": torch.__version__, "hypothesis": hypothesis.__version__}), flush=True)
    batch = None
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "load":
            batch = Batch(request["folder"], request["rows"], request["length"], request["group"])
            answer = {}
        elif request["do"] == "evaluate":
            seconds, loss = evaluate(batch, request["name"], request["threads"])
            answer = {"seconds": seconds, "loss": loss}
        elif request["do"] == "gradient":
            batch.logp.grad.numpy().tofile(request["file"])
            answer = {}
        else:
            cases, seconds = prefix_neutrality(request["examples"])
            answer = {"cases": cases, "seconds": seconds}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
