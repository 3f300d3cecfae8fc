"""Serves every loss of the corpus from one process: importing torch costs more than all that most of them are asked.

Each script runs as it stands, over a trainer of its own. A request says under "script" whose answer is meant, and the greeting has all greetings."""
import json
import pathlib
import sys

CORPUS = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(CORPUS), str(CORPUS.parents[3] / "examples" / "python")]
import grouprl_torch


def load(script):
    """The loss that a script serves, and how it greets."""
    served = []
    sys.modules.pop("trainer", None)
    grouprl_torch.serve = lambda loss, name, maximise, capabilities: served.append(
        (loss, {"name": name, "maximise": maximise, "capabilities": capabilities})
    )
    exec(compile(script.read_text(encoding="utf-8"), script, "exec"), {"__name__": "__main__", "__file__": str(script)})
    return served[0]


if __name__ == "__main__":
    grouprl_torch.torch.set_num_threads(1)
    losses = {script.stem: load(script) for script in [CORPUS / "trainer.py", *sorted((CORPUS / "defects").glob("*.py"))]}
    for line in sys.stdin:
        request = json.loads(line)
        if "hello" in request:
            reply = {"greetings": {script: greeting for script, (_, greeting) in losses.items()}}
        else:
            loss, _ = losses[request["hyperparameters"].pop("script")]
            reply = {"id": request["id"], **grouprl_torch.answer(loss, request)}
        print(json.dumps(reply), file=grouprl_torch.ANSWERS, flush=True)
