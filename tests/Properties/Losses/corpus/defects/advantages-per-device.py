"""Rewards are not gathered, so each device compares the part of a group that it holds with itself.

https://github.com/tulerfeng/Video-R1/issues/35
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def reduce_devices(parts, hyper):
    rows = trainer.trained_rows(parts)
    return sum(trainer.micro_loss({**part, "advantages": trainer.advantages(part)}, rows, hyper) for part in parts)


trainer.reduce_devices = reduce_devices
trainer.main("advantages-per-device")
