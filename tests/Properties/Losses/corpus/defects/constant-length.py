"""A row's sum is divided by the longest length that the configuration allows instead of its own.

https://github.com/huggingface/trl/pull/3138
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.aggregate = lambda objective, mask, rows: trainer.keep(objective, mask).sum() / 512 / rows
trainer.main("constant-length")
