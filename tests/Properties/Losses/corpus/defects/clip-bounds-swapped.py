"""The bounds of the clip change places, and clamp answers the upper one for every ratio.

https://github.com/anthonytorlucci/rlevo/issues/469
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.clip = lambda ratio, hyper: ratio.clamp(1 + hyper["clip.high"], 1 - hyper["clip.low"])
trainer.main("clip-bounds-swapped")
