"""The epsilon stands beside the variance, under the root, instead of beside the deviation.

https://github.com/Tencent-Hunyuan/UniRL/pull/335
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    mean, std = trainer.group_statistics(batch["rewards"], batch["groups"])
    return (batch["rewards"] - mean) / (std**2 + trainer.EPSILON).sqrt()


trainer.advantages = advantages
trainer.main("epsilon-inside-root")
