"""The dual clip bounds bad completions by half of their advantage, so they are held before they move.

https://github.com/opendilab/PPOxFamily/issues/95
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def surrogate(ratio, advantage, hyper):
    objective = single(ratio, advantage, hyper)
    return torch.where(advantage < 0, torch.max(objective, advantage / 2), objective)


single = trainer.surrogate
trainer.surrogate = surrogate
trainer.main("dual-clip-below-one")
