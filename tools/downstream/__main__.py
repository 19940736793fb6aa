"""Run the suites; print tables; return 1 if any result is worse with Clarion.

    python -m downstream [--short] [KIND [NAME ...]]

KIND is `django` (NAME: a package of its tests), `projects` (NAME: a project) or `orm` (NAME: a
file or folder of SQLAlchemy's tests). Without KIND, all of them run. A regression is printed
with its traceback. Logs: build/downstream.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from downstream import django_suite, orm_suite, projects
from downstream.environments import BUILD
from downstream.suite import HEAD, Suite, find_worse, tabulate
from interpreters import find_by_minor, probe

TABLE = Path(__file__).with_name("suites.toml")
KINDS = ("django", "projects", "orm")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="downstream", description="Run the suites of other projects on Clarion."
    )
    parser.add_argument("kind", nargs="?", choices=KINDS, help="only these suites")
    parser.add_argument("names", nargs="*", help="packages, projects or files of that kind")
    parser.add_argument("--short", action="store_true", help="a few suites, in a few minutes")
    parser.add_argument("--all", action="store_true", help="every package of Django (long)")
    parser.add_argument("--release", help="of Django or SQLAlchemy: this one only, such as 6.1")
    parser.add_argument("--python", action="append", help="this one only; repeatable")
    parser.add_argument("--parallel", type=int, default=1, help="processes of Django's suite")
    return parser.parse_args(arguments)


def find_suites(options: argparse.Namespace, table: dict[str, Any]) -> Iterator[Suite]:
    """Yield the requested suites, each when its environment is built."""
    named = dict(filter(None, map(probe, options.python or [])))
    pythons = named or find_by_minor()

    def pairs(kind: str) -> list[tuple[str, int, Path]]:
        release = options.release if options.kind in {None, kind} else None
        found = django_suite.find_pairs(table[kind], pythons, release, force=bool(named))
        if not found:
            sys.exit(f"No Python here supports that {kind}. Name both: --python PATH --release 6.1")
        return found[-1:] if options.short and kind == "orm" else found

    if options.kind in {None, "django"}:
        chosen = table["django"]["short"] if options.short else table["django"]["packages"].split()
        chosen = [] if options.all else options.names or chosen
        extras = not options.short
        yield from django_suite.prepare(
            table["django"], pairs("django"), chosen, extras=extras, parallel=options.parallel
        )
    if options.kind in {None, "projects"}:
        chosen = table["projects"]["short"] if options.short else [*table["projects"]["suites"]]
        newest = max(pythons.items())
        yield from projects.prepare(table["projects"], options.names or chosen, *newest)
    if options.kind in {None, "orm"}:
        chosen = table["orm"]["short"] if options.short else ["test/orm"]
        yield from orm_suite.prepare(table["orm"], pairs("orm"), options.names or chosen)


def main(arguments: list[str] | None = None) -> int:
    """Run the requested suites; return 1 if any result is worse than without Clarion."""
    options = parse(arguments)
    BUILD.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    worse: list[str] = []
    for suite in find_suites(options, tomllib.loads(TABLE.read_text(encoding="utf-8"))):
        runs = {mode: suite.run(mode) for mode in suite.modes}
        found = [*tabulate(suite, runs, only_failing=options.all or not options.short)]
        print(*found, sep="\n", flush=True)
        lines += found
        worse += find_worse(suite, runs)
    print(*worse, HEAD, *lines, f"worse with Clarion: {len(worse)}", sep="\n")
    return bool(worse)


if __name__ == "__main__":
    sys.exit(main())
