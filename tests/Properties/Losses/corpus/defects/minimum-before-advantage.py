"""The smaller ratio is taken before it meets the advantage, so for bad completions the clip holds the wrong side.

https://github.com/takuseno/ppo/issues/3
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def surrogate(ratio, advantage, hyper):
    return torch.min(ratio, trainer.clip(ratio, hyper)) * advantage


trainer.surrogate = surrogate
trainer.main("minimum-before-advantage")
