"""Each device divides by its own count before gradients are averaged, so what lies on an emptier device weighs more.

https://github.com/PrimeIntellect-ai/prime-rl/issues/2358
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def reduce_devices(parts, hyper):
    return sum(trainer.micro_loss(part, trainer.trained_rows([part]), hyper) for part in parts) / len(parts)


trainer.reduce_devices = reduce_devices
trainer.main("device-means-averaged")
