"""The ratio of a sequence averages its log-ratios over the padded width instead of its own length.

https://github.com/Tencent-Hunyuan/UniRL/pull/409
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.importance_ratio = lambda part: trainer.exp(trainer.log_ratio(part).mean(1, keepdim=True))
trainer.main("sequence-ratio-over-width")
