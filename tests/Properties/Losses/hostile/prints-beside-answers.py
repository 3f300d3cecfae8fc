"""Logs to stdout, between the answers."""
import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        print(json.dumps({"name": "prints-beside-answers"}), flush=True)
        continue
    print("step", request["id"], "ok")
    grad = [[0.0] * len(row) for row in request["batch"]["logps"]]
    print(json.dumps({"id": request["id"], "loss": 0.0, "grad": grad}), flush=True)
