"""A loss that is normalised over the whole step is divided by the number of micro-batches once more.

https://github.com/modelscope/ms-swift/issues/10117
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def accumulate(parts, hyper):
    rows = trainer.trained_rows(parts)
    return sum(trainer.micro_loss(part, rows, hyper) / len(parts) for part in parts)


trainer.accumulate = accumulate
trainer.main("divided-by-steps-twice")
