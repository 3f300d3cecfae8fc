"""The ratio is that of the old policy to the new one.

https://github.com/openai/baselines/issues/1218
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.log_ratio = lambda part: part["old_logps"] - part["logps"]
trainer.main("ratio-inverted")
