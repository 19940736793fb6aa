"""Django's `Model.save()`, with Clarion dispatching its signals and without.

The take-over changes Django for the whole process, and what the interpreter has learnt
about it, so there are processes of their own, one without it, one with it, and one with
it where Clarion is made to be pure Python:
`python -m benchmarks.cases.django_save on` reads from each line how often to save, and
answers with the seconds taken. So they still take turns, round by round.
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

DOOR = "clarion.integrations.django"
LISTENERS = 3
# A process whose turn comes finds the caches full of what ran meanwhile. So it goes on for
# so many times as long as a piece of code that is timed in this process.
LONGER = 20


class Worker:
    """Another process, which runs a module's `main` with a word; it ends with this object."""

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
            # dictionaries alike in all
            env={**os.environ, "PYTHONHASHSEED": "0", **environment},
        )
        weakref.finalize(self, self._process.communicate)
        problem = self._answer()
        if problem is not None:
            raise UnavailableError(problem)

    def run(self, times: int) -> float:
        """Have it do its work, LONGER than so many times; return the seconds that these take."""
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
    """Save a model instance, its signals dispatched by Clarion and by Django itself."""
    without = Worker("off", {}).run
    return [
        Pair(each.name, Worker("on", each.environment).run, without)
        for each in libraries
        if isinstance(each, Clarion)
    ]


class Bench:
    """A table in memory with one row, saved with the take-over on or off."""

    def __init__(self, state: str) -> None:
        """Set Django up; ImportError if it or the door is not there."""
        door = import_module(DOOR)
        if state == "on":
            door.install()
        self._signal = import_module("django.db.models.signals").post_save
        self._model = model()
        self._instance = self._model.objects.create(name="Clarion", amount=1)

    @contextmanager
    def heard(self) -> Iterator[Run]:
        """Connect the receivers, and yield what times the saves that they hear."""
        listeners = receivers.saved(LISTENERS)
        for listener in listeners:
            self._signal.connect(listener, sender=self._model)
        yield statement("save()", save=self._instance.save)
        for listener in listeners:
            self._signal.disconnect(listener, sender=self._model)

    def check(self) -> None:
        """Fail unless a save calls every receiver once."""
        with receivers.counting() as calls, self.heard() as save:
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
    """Answer requests until there are no more."""
    try:
        bench = Bench(state)
        bench.check()
    except (ImportError, AttributeError, UnavailableError) as error:
        print(json.dumps(str(error)), flush=True)
        return
    with bench.heard() as save:
        response(save)


def response(run: Run) -> None:
    """Run as often as each line of the input says, and answer with the seconds taken."""
    print(json.dumps(None), flush=True)
    gc.disable()
    for line in sys.stdin:
        print(run(int(line)), flush=True)


CASES = [
    Case("Model.save(), 3 post_save receivers", "without the take-over", 1.0, saving),
]

if __name__ == "__main__":
    main(sys.argv[1])
