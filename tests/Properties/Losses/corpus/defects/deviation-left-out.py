"""Rewards are centred but not divided by their deviation.

https://github.com/thinking-machines-lab/tinker-cookbook/issues/579
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    return batch["rewards"] - trainer.group_statistics(batch["rewards"], batch["groups"])[0]


trainer.advantages = advantages
trainer.main("deviation-left-out")
