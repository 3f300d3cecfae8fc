"""The ratio of a sequence adds its log-ratios instead of averaging them, so it grows with the length.

https://github.com/huggingface/trl/issues/5814
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.importance_ratio = lambda part: trainer.exp(trainer.log_ratio(part).sum(1, keepdim=True))
trainer.main("sequence-ratio-summed")
