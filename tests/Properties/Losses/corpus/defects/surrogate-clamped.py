"""The clip range is laid on ratio times advantage instead of on the ratio.

https://github.com/alexis-jacq/Pytorch-DPPO/issues/3
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def surrogate(ratio, advantage, hyper):
    return torch.min(ratio * advantage, trainer.clip(ratio * advantage, hyper))


trainer.surrogate = surrogate
trainer.main("surrogate-clamped")
