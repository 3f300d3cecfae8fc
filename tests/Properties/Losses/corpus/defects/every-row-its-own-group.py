"""Rows are grouped by an id that each completion has of its own, so rewards are not centred at all.

https://github.com/rllm-org/rllm/issues/605
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def group_statistics(rewards, groups):
    return torch.zeros_like(rewards), torch.ones_like(rewards)


trainer.group_statistics = group_statistics
trainer.main("every-row-its-own-group")
