"""Serves a PyTorch loss to `grouprl falsify --command`: one JSON object a line, answered in order."""
import json
import math
import os
import sys
import traceback

import torch

DTYPES = {"mask": torch.bool, "tokens": torch.long, "groups": torch.long}

# The answers have stdout to themselves: whatever anybody prints from here on goes to stderr.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def serve(loss, name="loss", maximise=False, capabilities=(), promises=None):
    """loss(batch, hyperparameters) takes tensors and returns a scalar that is differentiated by batch["logps"]."""
    torch.set_num_threads(1)
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
        batch = {field: read(field, values) for field, values in request["batch"].items()}
        logps = batch["logps"].requires_grad_()
        value = loss(batch, {key: number(x) for key, x in request["hyperparameters"].items()})
        grad = torch.autograd.grad(value, logps, allow_unused=True)[0] if value.requires_grad else None
        grad = torch.zeros_like(logps) if grad is None else grad
        return {"loss": text(value.item()), "grad": [[text(x) for x in row] for row in grad.tolist()]}
    except Exception as error:  # one batch that a loss cannot take is no reason to stop
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def read(field, values):
    if field in ("accumulation", "devices"):
        return values
    numbers = [[number(x) for x in row] if isinstance(row, list) else number(row) for row in values]
    return torch.tensor(numbers, dtype=DTYPES.get(field, torch.float64))


def number(x):
    return float(x) if isinstance(x, str) else x


def text(x):
    """JSON has no NaN and no infinity, so they travel as strings."""
    return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
