"""Advantages that are standard scores of their group are made standard scores of the batch again.

https://github.com/axon-rl/gem/pull/113
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    scores = of_groups(batch)
    return (scores - scores.mean()) / (scores.std() + trainer.EPSILON)


of_groups = trainer.advantages
trainer.advantages = advantages
trainer.main("normalised-twice")
