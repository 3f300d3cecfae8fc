"""The clip range reaches 0.3 upwards, where the objective that it is called has 0.2.

https://github.com/MikeWangWZHL/PAPO/issues/19
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.HYPERPARAMETERS["clip.high"] = 0.3
trainer.main("clip-higher-by-default")
