"""Rows are multiplied by their lengths and averaged whole, which lets the padding in.

https://github.com/huggingface/trl/pull/6654
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def aggregate(objective, mask, rows):
    lengths = mask.sum(1, keepdim=True)
    return (objective * lengths).mean(1).sum() / rows


trainer.aggregate = aggregate
trainer.main("length-in-place-of-mask")
