"""Serves a loss that brings its own gradient to `grouprl falsify --command`, without torch."""
import json
import math
import os
import sys
import traceback

# The answers have stdout to themselves: whatever anybody prints from here on goes to stderr.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def serve(loss, name="loss", maximise=False, capabilities=(), promises=None):
    """loss(batch, hyperparameters) takes lists and returns its value and its gradient by logps, N rows of T numbers."""
    for line in sys.stdin:
        request = json.loads(line)
        if "hello" in request:
            said = {} if promises is None else {"promises": list(promises)}
            reply = {"name": name, "maximise": maximise, "capabilities": list(capabilities), **said}
        else:
            reply = {"id": request["id"], **answer(loss, request)}
        print(json.dumps(reply), file=ANSWERS, flush=True)


def answer(loss, request):
    try:
        value, grad = loss(numbers(request["batch"]), numbers(request["hyperparameters"]))
        return {"loss": text(value), "grad": [[text(x) for x in row] for row in grad]}
    except Exception as error:  # one batch that a loss cannot take is no reason to stop
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def numbers(value):
    """The same value with "NaN", "Infinity" and "-Infinity" read as numbers, at any depth."""
    if isinstance(value, dict):
        return {key: numbers(x) for key, x in value.items()}
    if isinstance(value, list):
        return [numbers(x) for x in value]
    return float(value) if isinstance(value, str) else value


def text(x):
    """JSON has no NaN and no infinity, so they travel as strings."""
    return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
