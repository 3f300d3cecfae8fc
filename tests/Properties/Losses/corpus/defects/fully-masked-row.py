"""A completion without a trained token divides 0 by 0.

https://github.com/huggingface/trl/pull/3248
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def aggregate(objective, mask, rows):
    return (trainer.keep(objective, mask).sum(1) / mask.sum(1)).sum() / rows


trainer.aggregate = aggregate
trainer.main("fully-masked-row")
