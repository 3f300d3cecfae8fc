"""The bound that the dual clip sets to bad completions is laid on good ones, too, and replaces their objective.

https://github.com/thu-ml/tianshou/issues/433
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def surrogate(ratio, advantage, hyper):
    return torch.max(single(ratio, advantage, hyper), 3 * advantage)


single = trainer.surrogate
trainer.surrogate = surrogate
trainer.main("dual-clip-for-all")
