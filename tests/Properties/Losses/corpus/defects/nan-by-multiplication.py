"""Masked places are multiplied by 0, and 0 * NaN is NaN.

https://github.com/PrimeIntellect-ai/prime-rl/pull/2084
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.keep = lambda values, mask: values * mask
trainer.main("nan-by-multiplication")
