"""Run producers and workers under kills, and print what was lost, repeated or out of order.

    python -m chaos [sqlite|postgresql|mariadb ...] --seconds 60

The exit code is 1 if a promise was broken.
"""

import argparse
import logging
import sys
from contextlib import closing
from typing import Any

from chaos import shop
from chaos.monkey import rage
from chaos.oracle import judge
from chaos.places import KINDS, place_of
from clarion.outbox import open_database, store
from clarion.worker import Worker


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="chaos", description="Kill workers, and count.")
    parser.add_argument("kinds", nargs="*", help=f"the databases: {', '.join(KINDS)}")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each database")
    parser.add_argument("--producers", type=int, default=2)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--url", help="the server; by default a local one")
    options = parser.parse_args(arguments)
    unknown = set(options.kinds) - set(KINDS)
    if unknown:
        parser.error(f"unknown database {', '.join(sorted(unknown))}")
    return options


def settle_everything(place: Any) -> int:
    """Deliver what is left, and requeue what was given up; return how often that was."""
    shop.connect_all()
    requeued = 0
    while True:
        Worker(open_database(place.url), lease=1.0, poll=0.05).drain()
        with closing(place.connect()) as connection:
            dead = store.list_dead(connection, limit=10_000)
            for each in dead:
                with connection.transaction():
                    store.requeue(connection, each.id)
            requeued += len(dead)
            left = sum(each.deliveries for each in store.waiting(connection))
        if not dead and not left:
            return requeued


def run(kind: str, options: argparse.Namespace) -> bool:
    """Run on one kind of database; return whether every promise was kept."""
    with place_of(kind, options.url) as place:
        shop.prepare(place)
        done = rage(place, options.seconds, options.producers, options.workers)
        requeued = settle_everything(place)
        verdict = judge(place)
    harm = ", ".join(f"{name} {count}" for name, count in sorted(done.items()) if count)
    sys.stdout.write(
        f"{kind:11} {options.seconds:.0f} s: {verdict.sends} sends, {harm}, requeued {requeued}\n"
        f"{'':11} lost {verdict.lost}, duplicated {verdict.duplicates}, inverted "
        f"{verdict.inversions}; repeated without effects='same database' {verdict.repeated}; left "
        f"{verdict.waiting}\n"
    )
    return verdict.is_good


def main(arguments: list[str] | None = None) -> int:
    """Run on each kind of database; return 1 if a promise was broken."""
    options = parse(arguments)
    logging.getLogger("clarion").setLevel(logging.CRITICAL)
    results = [run(kind, options) for kind in options.kinds or KINDS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
