"""The log-ratio of the penalty is kept under the name of the importance ratio's and takes its place.

https://github.com/huggingface/trl/pull/6637
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.log_ratio = lambda part: part.get("ref_logps", part["old_logps"]) - part["logps"]
trainer.main("ratio-shadowed-by-kl")
