"""A guard of std > 0 lets the rounding of equal rewards pass for a deviation, and divides by it.

https://github.com/NVIDIA-NeMo/RL/pull/4161
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    same = (batch["groups"].unsqueeze(1) == batch["groups"]).double()
    mean = same @ batch["rewards"] / same.sum(1)
    centred = batch["rewards"] - mean
    std = (same @ centred**2 / same.sum(1)).sqrt()
    return torch.where(std > 0, centred / std, centred)


trainer.advantages = advantages
trainer.main("rounding-as-deviation")
