"""The entropy of the sampled tokens is off by default no more, and what is added is p log p without its minus.

https://github.com/LuEE-C/PPO-Keras/issues/4
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def entropy_bonus(part, hyper):
    return 0.01 * trainer.exp(part["logps"]) * part["logps"]


trainer.entropy_bonus = entropy_bonus
trainer.main("entropy-sign")
