"""The leave-one-out mean divides by the configured number of completions, also where a group has fewer.

https://github.com/huggingface/trl/pull/5902
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import trainer


def advantages(batch):
    rewards, same = batch["rewards"], batch["groups"].unsqueeze(1) == batch["groups"]
    generations = same.sum(1).max()
    others = (same * rewards).sum(1) - rewards
    return rewards - others / (generations - 1).clamp(min=1)


trainer.advantages = advantages
trainer.main("leave-one-out-of-the-largest")
