"""Django's `Model.save()`, with Clarion dispatching its signals and without.

`install()` changes Django for the whole process, and with it the interpreter's
specialisations. So there are separate processes: without Clarion, with Clarion, and with
Clarion in pure Python. `python -m benchmarks.cases.django_save on` reads from each line how
often to save, and prints the seconds that this took. The processes run in turn, round by round.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import weakref
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import receivers
from benchmarks.cases import Case, Pair, UnavailableError
from benchmarks.peers import Clarion
from benchmarks.timing import statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.peers import Library
    from benchmarks.timing import Run

INTEGRATION = "clarion.integrations.django"
LISTENERS = 3
# When a process gets its turn, the caches are full of other data. So its samples are longer
# than those of code in this process, by this factor.
LONGER = 20


class Worker:
    """Another process that runs a module's `main(state)`; it ends with this object."""

    def __init__(
        self, state: str, environment: Mapping[str, str], module: str = "django_save"
    ) -> None:
        """Start it; UnavailableError if it cannot measure."""
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", f"benchmarks.cases.{module}", state],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            # the same dictionaries in all processes
            env={**os.environ, "PYTHONHASHSEED": "0", **environment},
        )
        weakref.finalize(self, self._process.communicate)
        problem = self._answer()
        if problem is not None:
            raise UnavailableError(problem)

    def run(self, times: int) -> float:
        """Run the work `times * LONGER` times; return the seconds for `times` of them."""
        assert self._process.stdin is not None
        print(times * LONGER, file=self._process.stdin, flush=True)
        return float(self._answer()) / LONGER

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise UnavailableError("the process that saves Django's models has died")
        return json.loads(line)


def saving(libraries: Sequence[Library]) -> list[Pair]:
    """Save a model instance with signals dispatched by Clarion, and by Django itself."""
    without = Worker("off", {}).run
    return [
        Pair(each.name, Worker("on", each.environment).run, without)
        for each in libraries
        if isinstance(each, Clarion)
    ]


class Bench:
    """A table in memory with one row, saved with Clarion or without it."""

    def __init__(self, state: str) -> None:
        """Set up Django; ImportError if Django or the integration is missing."""
        integration = import_module(INTEGRATION)
        if state == "on":
            integration.install()
        self._signal = import_module("django.db.models.signals").post_save
        self._model = model()
        self._instance = self._model.objects.create(name="Clarion", amount=1)

    @contextmanager
    def connected(self) -> Iterator[Run]:
        """Connect the receivers, and yield a timed loop of saves."""
        listeners = receivers.saved(LISTENERS)
        for listener in listeners:
            self._signal.connect(listener, sender=self._model)
        yield statement("save()", save=self._instance.save)
        for listener in listeners:
            self._signal.disconnect(listener, sender=self._model)

    def check(self) -> None:
        """Fail unless a save calls every receiver once."""
        with receivers.counting() as calls, self.connected() as save:
            save(1)
        if len(calls) != LISTENERS:
            raise UnavailableError(f"{len(calls)} of {LISTENERS} receivers are called")


def model() -> Any:
    """Make a small table in an SQLite database in memory, and the model for it."""
    conf, django = import_module("django.conf"), import_module("django")
    memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    conf.settings.configure(DATABASES={"default": memory}, USE_TZ=True)
    django.setup()
    models, database = import_module("django.db.models"), import_module("django.db")
    fields = {"name": models.CharField(max_length=100), "amount": models.IntegerField()}
    meta = type("Meta", (), {"app_label": "benchmarks"})
    made = type("Order", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})
    with database.connection.schema_editor() as editor:
        editor.create_model(made)
    return made


def main(state: str) -> None:
    """Answer requests until the input ends."""
    try:
        bench = Bench(state)
        bench.check()
    except (ImportError, AttributeError, UnavailableError) as error:
        print(json.dumps(str(error)), flush=True)
        return
    with bench.connected() as save:
        response(save)


def response(run: Run) -> None:
    """Run as often as each line of the input says, and print the seconds that this took."""
    print(json.dumps(None), flush=True)
    gc.disable()
    for line in sys.stdin:
        print(run(int(line)), flush=True)


CASES = [
    Case("Model.save(), 3 post_save receivers", "without Clarion", 1.0, saving),
]

if __name__ == "__main__":
    main(sys.argv[1])
