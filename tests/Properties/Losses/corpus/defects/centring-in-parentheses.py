"""A parenthesis closes too late: the mean is divided by the deviation, the reward is not.

https://github.com/Omegastick/pytorch-cpp-rl/issues/14
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    mean, std = trainer.group_statistics(batch["rewards"], batch["groups"])
    return batch["rewards"] - mean / (std + trainer.EPSILON)


trainer.advantages = advantages
trainer.main("centring-in-parentheses")
