"""The advantages of tokens are a token late, so the first token of each row has none.

https://github.com/PrimeIntellect-ai/prime-rl/pull/1525
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def per_token(part):
    advantage = part["advantages"].unsqueeze(1) * part["mask"]
    return torch.nn.functional.pad(advantage[:, :-1], (1, 0))


trainer.per_token = per_token
trainer.main("advantage-off-by-one")
