"""The old log-probs are the current ones, detached: the ratio is 1 for ever and no clip ever holds.

https://github.com/meta-pytorch/torchforge/pull/571
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.log_ratio = lambda part: part["logps"] - trainer.detached(part)
trainer.main("ratio-always-one")
