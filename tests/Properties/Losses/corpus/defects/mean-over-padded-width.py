"""A row's masked sum is divided by the padded width, so the longest completion of the batch sets everybody's scale.

https://github.com/DeepX-inc/machina/issues/118
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def aggregate(objective, mask, rows):
    return trainer.keep(objective, mask).mean(1).sum() / rows


trainer.aggregate = aggregate
trainer.main("mean-over-padded-width")
