"""k3 is given log(policy / ref) for log(ref / policy), whose mean under the policy is not the KL divergence.

https://github.com/DLR-RM/stable-baselines3/pull/419
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

k3 = trainer.kl
trainer.kl = lambda logps, ref_logps: k3(ref_logps, logps)
trainer.main("kl-arguments-swapped")
