"""Centred rewards are multiplied by their deviation instead of divided by it.

https://github.com/OpenRLHF/OpenRLHF/issues/390
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    mean, std = trainer.group_statistics(batch["rewards"], batch["groups"])
    return (batch["rewards"] - mean) * std


trainer.advantages = advantages
trainer.main("times-deviation")
