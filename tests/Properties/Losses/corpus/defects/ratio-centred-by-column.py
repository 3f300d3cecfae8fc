"""Log-ratios are centred over the rows of each column, so completions pull at each other's tokens.

https://github.com/MakazhanAlpamys/Soup/issues/723
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def importance_ratio(part):
    x = trainer.log_ratio(part)
    return trainer.exp(x - x.mean(0, keepdim=True))


trainer.importance_ratio = importance_ratio
trainer.main("ratio-centred-by-column")
