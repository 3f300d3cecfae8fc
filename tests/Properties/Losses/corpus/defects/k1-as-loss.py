"""The penalty is log(policy / ref) itself, whose gradient does not know the reference.

https://github.com/allenai/open-instruct/issues/534
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.kl = lambda logps, ref_logps: logps - ref_logps
trainer.main("k1-as-loss")
