"""The clip range starts at epsilon instead of 1 - epsilon, so hardly anything is held from below.

https://github.com/ChenmienTan/RL2/pull/21
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.clip = lambda ratio, hyper: ratio.clamp(hyper["clip.low"], 1 + hyper["clip.high"])
trainer.main("clip-from-epsilon")
