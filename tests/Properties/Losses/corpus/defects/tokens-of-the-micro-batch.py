"""The token mean divides by the tokens of the micro-batch at hand instead of those of the step.

https://github.com/allenai/open-instruct/pull/1161
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def aggregate(objective, mask, rows):
    return trainer.keep(objective, mask).sum() / mask.sum().clamp(min=1)


trainer.aggregate = aggregate
trainer.main("tokens-of-the-micro-batch")
