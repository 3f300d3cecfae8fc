"""Advantages are normalised inside each micro-batch, so a group that is cut in two is compared with its half.

https://github.com/RLinf/RLinf/pull/1195
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def accumulate(parts, hyper):
    rows = trainer.trained_rows(parts)
    return sum(trainer.micro_loss({**part, "advantages": trainer.advantages(part)}, rows, hyper) for part in parts)


trainer.accumulate = accumulate
trainer.main("advantages-per-micro-batch")
