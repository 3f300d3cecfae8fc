"""The exponential is missing: the difference of log-probs is used as the ratio.

https://github.com/XiaolongTang23/Plan-R1/issues/7
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.importance_ratio = trainer.log_ratio
trainer.main("log-ratio-for-ratio")
