"""Answers numbers that are JSON, but too large for any float."""
import json
import sys

for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        print(json.dumps({"name": "numbers-too-large"}), flush=True)
        continue
    rows = ", ".join("[" + ", ".join(["-1e999"] * len(row)) + "]" for row in request["batch"]["logps"])
    print(f'{{"id": {request["id"]}, "loss": 1e999, "grad": [{rows}]}}', flush=True)
