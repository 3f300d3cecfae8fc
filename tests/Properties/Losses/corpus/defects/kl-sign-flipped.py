"""The penalty is subtracted from the loss, so the policy is pushed away from the reference.

https://github.com/qiancheng0/ToolRL/issues/52
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

k3 = trainer.kl
trainer.kl = lambda logps, ref_logps: -k3(logps, ref_logps)
trainer.main("kl-sign-flipped")
