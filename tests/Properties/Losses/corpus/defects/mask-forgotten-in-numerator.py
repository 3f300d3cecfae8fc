"""Every token is summed, and only the divisor counts the trained ones.

https://github.com/alibaba/ROLL/pull/444
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.keep = lambda values, mask: values
trainer.main("mask-forgotten-in-numerator")
