"""What is written as a loss is declared an objective and climbed.

https://github.com/natolambert/rlhf-book/issues/125
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.main("loss-called-objective", maximise=True)
