"""An advantage per row is taken for one per token where the batch is as wide as it is high.

https://github.com/RLinf/RLinf/issues/1568
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def per_token(part):
    advantage, width = part["advantages"], part["mask"].shape[1]
    return advantage if len(advantage) == width else advantage.unsqueeze(1)


trainer.per_token = per_token
trainer.main("advantage-along-tokens")
