"""Mean and deviation are those of the first completion of each group alone.

https://github.com/ServiceNow/PipelineRL/pull/54
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def group_statistics(rewards, groups):
    first = [int((groups == label).nonzero()[0]) for label in groups]
    return rewards[first], torch.zeros_like(rewards)


trainer.group_statistics = group_statistics
trainer.main("first-row-statistics")
