"""Answers three cases and is gone."""
import json
import sys

cases = 0
for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        print(json.dumps({"name": "crashes-after-the-third"}), flush=True)
        continue
    cases += 1
    if cases > 3:
        raise MemoryError("CUDA out of memory")
    grad = [[0.0] * len(row) for row in request["batch"]["logps"]]
    print(json.dumps({"id": request["id"], "loss": 0.0, "grad": grad}), flush=True)
