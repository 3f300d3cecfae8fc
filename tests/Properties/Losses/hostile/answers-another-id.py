"""Answers each case under the id of the next one."""
import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        print(json.dumps({"name": "answers-another-id"}), flush=True)
        continue
    grad = [[0.0] * len(row) for row in request["batch"]["logps"]]
    print(json.dumps({"id": request["id"] + 1, "loss": 0.0, "grad": grad}), flush=True)
