"""The mask ends with the completion but has no holes, so tokens that a tool wrote are trained on.

https://github.com/huggingface/trl/pull/4975
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def loss_mask(part):
    up_to_the_last = part["mask"].long().flip(1).cummax(1).values.flip(1)
    return up_to_the_last.bool()


trainer.loss_mask = loss_mask
trainer.main("tool-output-trained")
