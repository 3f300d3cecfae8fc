"""Ignores the end of its input and every polite signal, and leaves a child that holds its pipes open."""
import json
import signal
import subprocess
import sys
import time

for polite in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(polite, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])  # inherits stdin, stdout and stderr

for line in sys.stdin:
    request = json.loads(line)
    if "hello" in request:
        print(json.dumps({"name": "will-not-end"}), flush=True)
        continue
    grad = [[0.0] * len(row) for row in request["batch"]["logps"]]
    print(json.dumps({"id": request["id"], "loss": 0.0, "grad": grad}), flush=True)
time.sleep(120)
