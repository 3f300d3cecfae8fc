"""Micro-batches of different size weigh the same, because each divides by its own rows and the means are averaged.

https://github.com/allenai/open-instruct/pull/1137
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def accumulate(parts, hyper):
    means = [trainer.micro_loss(part, trainer.trained_rows([part]), hyper) for part in parts]
    return sum(means) / len(means)


trainer.accumulate = accumulate
trainer.main("micro-batch-means-averaged")
