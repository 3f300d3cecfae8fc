"""A squeeze takes the token axis away where it has length 1, and rows are broadcast against rows.

https://github.com/rlworkgroup/garage/pull/1209
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.importance_ratio = lambda part: trainer.exp(trainer.log_ratio(part)).squeeze()
trainer.main("squeezed")
