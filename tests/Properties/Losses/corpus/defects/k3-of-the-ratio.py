"""k3 is given the ratio where its logarithm belongs, and is not 0 at the reference.

https://github.com/Rolv-Arild/rocket-learn/pull/12
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def kl(logps, ref_logps):
    ratio = trainer.exp(ref_logps - logps)
    return torch.expm1(ratio) - ratio


trainer.kl = kl
trainer.main("k3-of-the-ratio")
