"""A minus sign was distributed through the minimum, which makes it a maximum: the clip holds where it should not.

https://github.com/jvmncs/safe-grid-agents/pull/28
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def surrogate(ratio, advantage, hyper):
    return -torch.min(-ratio * advantage, -trainer.clip(ratio, hyper) * advantage)


trainer.surrogate = surrogate
trainer.main("max-for-min")
