"""The loss is multiplied by the number of devices, although each divided by its own count.

https://github.com/NVIDIA-NeMo/Automodel/issues/3846
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def reduce_devices(parts, hyper):
    means = [trainer.micro_loss(part, trainer.trained_rows([part]), hyper) for part in parts]
    return sum(len(parts) * mean for mean in means) / len(parts)


trainer.reduce_devices = reduce_devices
trainer.main("device-count-times-local-mean")
