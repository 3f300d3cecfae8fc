"""Groups are taken to be consecutive rows, while the rows of one prompt stand a stride apart.

https://github.com/StarsfieldAI/R1-V/issues/67
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def group_statistics(rewards, groups):
    size = len(rewards) // len(groups.unique())
    return by_label(rewards, torch.arange(len(rewards)) // size)


by_label = trainer.group_statistics
trainer.group_statistics = group_statistics
trainer.main("groups-by-reshape")
