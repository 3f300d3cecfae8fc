"""Token means of the micro-batches are put together by their share of rows instead of their share of tokens.

https://github.com/verl-project/verl/issues/5625
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def aggregate(objective, mask, rows):
    token_mean = trainer.keep(objective, mask).sum() / mask.sum().clamp(min=1)
    return token_mean * mask.any(1).sum() / rows


trainer.aggregate = aggregate
trainer.main("token-means-weighed-by-rows")
