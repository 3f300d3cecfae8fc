"""The log-probs are those of the next token, and are compared with the old ones of this token.

https://github.com/PrimeIntellect-ai/prime-rl/pull/1525
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.log_ratio = lambda part: part["logps"].roll(-1, 1) - part["old_logps"]
trainer.main("ratio-off-by-one")
