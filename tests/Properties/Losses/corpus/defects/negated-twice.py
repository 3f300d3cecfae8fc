"""A loss that is negated already is negated again, so the policy learns what is worst.

https://github.com/fla-org/flash-linear-attention/issues/1073
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.sign = lambda objective: objective
trainer.main("negated-twice")
