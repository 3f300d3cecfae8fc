"""Answers two cases and waits for ever on the third."""
import json
import sys
import time

cases = 0
for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        print(json.dumps({"name": "falls-silent"}), flush=True)
        continue
    cases += 1
    if cases == 3:
        time.sleep(120)
    grad = [[0.0] * len(row) for row in request["batch"]["logps"]]
    print(json.dumps({"id": request["id"], "loss": 0.0, "grad": grad}), flush=True)
