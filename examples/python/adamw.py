"""AdamW as torch.optim steps it, over the optimizer protocol: theta and gradients in, theta after each step out."""
import json
import math
import sys

DEFAULTS = {"lr": 1e-3, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}


def walk(theta, gradients, hyperparameters):
    lr, beta1, beta2, eps, decay = ({**DEFAULTS, **hyperparameters}[key] for key in DEFAULTS)
    first, second, thetas = [0.0] * len(theta), [0.0] * len(theta), []
    for step, gradient in enumerate(gradients, start=1):
        first = [beta1 * m + (1 - beta1) * g for m, g in zip(first, gradient)]
        second = [beta2 * v + (1 - beta2) * g * g for v, g in zip(second, gradient)]
        # Both averages start at 0; dividing by what they have seen of 1 so far makes up for it.
        seen1, seen2 = 1 - beta1**step, 1 - beta2**step
        theta = [
            x * (1 - lr * decay) - lr * (m / seen1) / (math.sqrt(v / seen2) + eps)
            for x, m, v in zip(theta, first, second)
        ]
        thetas.append(theta)
    return thetas


def answer(request):
    if "hello" in request:
        return {"name": "adamw"}
    try:
        theta, gradients = numbers(request["theta"]), [numbers(gradient) for gradient in request["gradients"]]
        thetas = walk(theta, gradients, request["hyperparameters"])
        return {"id": request["id"], "thetas": [[text(x) for x in theta] for theta in thetas]}
    except Exception as error:  # one case that it cannot take is no reason to stop
        return {"id": request["id"], "error": f"{type(error).__name__}: {error}"}


def numbers(values):
    return [float(x) for x in values]


def text(x):
    """JSON has no NaN and no infinity, so they travel as strings."""
    return x if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
