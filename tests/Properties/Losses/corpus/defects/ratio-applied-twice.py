"""The advantages carry the importance ratio already, and the objective multiplies by it again.

https://github.com/PufferAI/PufferLib/issues/306
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def per_token(part):
    return part["advantages"].unsqueeze(1) * trainer.exp(trainer.detached(part) - part["old_logps"])


trainer.per_token = per_token
trainer.main("ratio-applied-twice")
