"""The penalty is averaged over every place of the rectangle, padding and tool output included.

https://github.com/allenai/open-instruct/pull/535
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def micro_loss(part, rows, hyper):
    ref_logps = part.pop("ref_logps", part["logps"].detach())
    penalty = trainer.kl(part["logps"], ref_logps).mean()
    return trained_loss(part, rows, hyper) + hyper["beta"] * penalty


trained_loss = trainer.micro_loss
trainer.micro_loss = micro_loss
trainer.main("kl-unmasked")
