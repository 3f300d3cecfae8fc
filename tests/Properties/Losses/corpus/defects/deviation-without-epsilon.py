"""Nothing keeps the deviation of equal rewards from dividing 0 by 0.

https://github.com/michaelnny/deep_rl_zoo/issues/17
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    mean, std = trainer.group_statistics(batch["rewards"], batch["groups"])
    return (batch["rewards"] - mean) / std


trainer.advantages = advantages
trainer.main("deviation-without-epsilon")
