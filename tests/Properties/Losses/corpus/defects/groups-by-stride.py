"""Groups are cut at a fixed stride, so one group that lost a completion shifts all that follow, and the rest is left
raw.

https://github.com/areal-project/AReaL/issues/1419
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def group_statistics(rewards, groups):
    size = int((groups == groups[0]).sum())
    whole = len(rewards) // size * size
    mean, std = by_label(rewards[:whole], torch.arange(whole) // size)
    rest = torch.zeros(len(rewards) - whole)
    return torch.cat([mean, rest]), torch.cat([std, rest + 1])


by_label = trainer.group_statistics
trainer.group_statistics = group_statistics
trainer.main("groups-by-stride")
