"""As soon as groups differ in size, all of the batch is reshaped into one.

https://github.com/THUDM/slime/pull/1918
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def group_statistics(rewards, groups):
    even = len(groups.unique(return_counts=True)[1].unique()) == 1
    return by_label(rewards, groups if even else torch.zeros_like(groups))


by_label = trainer.group_statistics
trainer.group_statistics = group_statistics
trainer.main("one-group-when-uneven")
