"""Leaves the last column out of the gradient, as a shift by one token does."""
import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        print(json.dumps({"name": "gradient-of-another-shape"}), flush=True)
        continue
    grad = [[0.0] * len(row) for row in request["batch"]["logps"]]
    print(json.dumps({"id": request["id"], "loss": 0.0, "grad": [row[:-1] for row in grad]}), flush=True)
