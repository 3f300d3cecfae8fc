"""The clipped ratio alone makes the objective, so a completion that strayed to the wrong side is never brought back.

https://github.com/tensorforce/tensorforce/issues/106
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.surrogate = lambda ratio, advantage, hyper: trainer.clip(ratio, hyper) * advantage
trainer.main("clip-without-minimum")
