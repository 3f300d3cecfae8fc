"""The mask is a token late: the first trained token is dropped and the token after the last is trained.

https://github.com/modelscope/ms-swift/pull/8427
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.loss_mask = lambda part: part["mask"].roll(1, 1)
trainer.main("mask-off-by-one")
