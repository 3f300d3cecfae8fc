"""Writes a megabyte to stderr before every answer. The answers are right: it is to be survived, not reported."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "examples" / "python"))
from grouprl_plain import serve
from grpo_plain import grpo


def talkative(batch, hyperparameters):
    sys.stderr.write("gathering parameters from every rank\n" * 30_000)
    return grpo(batch, hyperparameters)


serve(talkative, name="logs-megabytes")
