"""The ratio is detached, so nothing is left to differentiate.

https://github.com/nikhilbarhate99/PPO-PyTorch/issues/18
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.importance_ratio = lambda part: trainer.exp(trainer.log_ratio(part)).detach()
trainer.main("ratio-detached")
