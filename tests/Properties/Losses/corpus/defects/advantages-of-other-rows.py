"""Every micro-batch reads the advantages of the batch from their start, so log-probs meet those of other completions.

https://github.com/tenstorrent/tt-metal/issues/46412
"""
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def accumulate(parts, hyper):
    everything = torch.cat([part["advantages"] for part in parts])
    misread = [{**part, "advantages": everything[: len(part["mask"])]} for part in parts]
    return sum(trainer.micro_loss(part, trainer.trained_rows(parts), hyper) for part in misread)


trainer.accumulate = accumulate
trainer.main("advantages-of-other-rows")
