"""Masked places are set to 0 only after the ratio and the penalty were taken, so their NaN comes back in the gradient.

https://github.com/NVIDIA-NeMo/RL/pull/4120
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.keep_trained = lambda part: part
trainer.main("mask-after-exp")
