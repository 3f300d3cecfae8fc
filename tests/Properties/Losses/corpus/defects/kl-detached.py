"""The penalty is computed without gradients: it is in the loss, but nothing learns from it.

https://github.com/NovaSky-AI/SkyRL/issues/1340
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer

trainer.kl = torch.no_grad()(trainer.kl)
trainer.main("kl-detached")
