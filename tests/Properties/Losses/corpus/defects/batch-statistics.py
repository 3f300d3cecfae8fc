"""Rewards are compared with those of the whole batch, so an easy prompt makes a hard one look bad.

https://github.com/linkedin/Liger-Kernel/pull/553
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def group_statistics(rewards, groups):
    return rewards.mean(), rewards.std()


trainer.group_statistics = group_statistics
trainer.main("batch-statistics")
