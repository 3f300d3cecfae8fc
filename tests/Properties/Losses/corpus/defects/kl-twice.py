"""The penalty is taken out of the reward and added to the loss as well.

https://github.com/verl-project/verl/issues/265
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

k3 = trainer.kl
trainer.kl = lambda logps, ref_logps: 2 * k3(logps, ref_logps)
trainer.main("kl-twice")
