"""The means of the micro-batches are added and never averaged, so the step grows with their number.

https://github.com/verl-project/verl/issues/7913
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def accumulate(parts, hyper):
    return sum(trainer.micro_loss(part, trainer.trained_rows([part]), hyper) for part in parts)


trainer.accumulate = accumulate
trainer.main("micro-batch-means-added")
