"""A lone success is divided by the deviation of the others, which is 0, and its advantage becomes a million.

https://github.com/NVIDIA-NeMo/RL/issues/1518
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    rewards, groups, scores = batch["rewards"], batch["groups"], torch.zeros_like(batch["rewards"])
    for i in range(len(rewards)):
        others = (groups == groups[i]) & (torch.arange(len(groups)) != i)
        if others.any():
            std = rewards[others].std() if others.sum() > 1 else 0.0
            scores[i] = (rewards[i] - rewards[others]).mean() / (std + 1e-6)
    return scores


trainer.advantages = advantages
trainer.main("leave-one-out-deviation")
