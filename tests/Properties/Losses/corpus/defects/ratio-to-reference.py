"""The ratio is taken to the reference policy instead of the one that sampled.

https://github.com/huggingface/trl/pull/2837
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.log_ratio = lambda part: part["logps"] - part.get("ref_logps", trainer.detached(part))
trainer.main("ratio-to-reference")
