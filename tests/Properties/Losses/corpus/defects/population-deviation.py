"""The deviation divides by the size of the group, without Bessel's correction.

https://github.com/NVIDIA/TorchFort/issues/38
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def group_statistics(rewards, groups):
    std = torch.stack([rewards[groups == label].std(unbiased=False) for label in groups])
    return by_label(rewards, groups)[0], std


by_label = trainer.group_statistics
trainer.group_statistics = group_statistics
trainer.main("population-deviation")
