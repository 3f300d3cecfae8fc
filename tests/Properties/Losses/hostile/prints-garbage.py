"""Answers every line with something that is not JSON."""
import sys

for _ in sys.stdin:
    print("Epoch 1: 100%|##########| loss=0.693 {", flush=True)
