"""The ratio is taken to what the inference engine reported instead of the old policy's own log-probs.

https://github.com/THUDM/slime/pull/179
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.log_ratio = lambda part: part["logps"] - part.get("rollout_logps", part["old_logps"])
trainer.main("ratio-to-rollout")
