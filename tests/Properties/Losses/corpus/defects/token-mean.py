"""The loss is the mean over all tokens of the batch, so a long completion outweighs a short one.

https://github.com/verl-project/verl/issues/593
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.trained_rows = lambda parts: sum(part["mask"].sum() for part in parts).clamp(min=1)
trainer.aggregate = lambda objective, mask, tokens: trainer.keep(objective, mask).sum() / tokens
trainer.main("token-mean")
