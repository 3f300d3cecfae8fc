"""The coefficient of the penalty is hard-coded to 0, whatever the configuration says.

https://github.com/joey00072/nanoGRPO/issues/1
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

k3 = trainer.kl
trainer.kl = lambda logps, ref_logps: 0 * k3(logps, ref_logps)
trainer.main("kl-left-out")
