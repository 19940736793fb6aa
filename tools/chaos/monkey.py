"""The monkey: kills and stops processes, and disturbs the database."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from chaos.process import LEASE

TOOLS = Path(__file__).parent.parent
SKEWS = ("0", "3600", "-86400")  # seconds


class Process:
    """A producer or a worker, which is started again when it was killed.

    Args:
        role: "producer" or "worker".
        url: the URL of the database.
    """

    def __init__(self, role: str, url: str) -> None:
        self.role = role
        self._command = [sys.executable, "-m", "chaos.process", role, url]
        self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        skew = random.choice(SKEWS)
        return subprocess.Popen([*self._command, skew], cwd=TOOLS, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """Kill it by SIGKILL, and start another."""
        self.end()
        self._process = self._started()

    def end(self) -> None:
        """Kill it by SIGKILL."""
        self._process.kill()
        self._process.wait()

    def revive(self) -> bool:
        """Start it again if it has ended by itself; return whether it had."""
        if self._process.poll() is None:
            return False
        self._process = self._started()
        return True

    def stop_past_the_lease(self) -> None:
        """Stop it by SIGSTOP for longer than a lease, and let it go on."""
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(LEASE * 1.5)
        self._process.send_signal(signal.SIGCONT)


def rage(place: Any, seconds: float, producers: int, workers: int) -> Counter[str]:
    """Run producers and workers for some seconds, and harm them; return what was done.

    Args:
        place: the database.
        seconds: how long.
        producers: how many processes send.
        workers: how many processes deliver.
    """
    done: Counter[str] = Counter()
    crowd = [Process("producer", place.url) for _ in range(producers)]
    crowd += [Process("worker", place.url) for _ in range(workers)]
    ends = time.monotonic() + seconds
    try:
        time.sleep(min(2.0, seconds / 4))
        while time.monotonic() < ends:
            time.sleep(random.uniform(0.2, 1.0))
            done["ended by itself"] += sum(each.revive() for each in crowd)
            _harm(place, crowd, done)
    finally:
        for each in crowd:
            each.end()
    return done


def _harm(place: Any, crowd: list[Process], done: Counter[str]) -> None:
    workers = [each for each in crowd if each.role == "worker"]
    lot = random.random()
    if place.disturb is not None and lot < 0.1:
        with suppress(Exception):
            done[place.disturb(lot < 0.02).partition(" ")[0]] += 1
    elif lot < 0.25:
        random.choice(workers).stop_past_the_lease()
        done["stopped"] += 1
    else:
        random.choice([*workers, *crowd]).kill()
        done["killed"] += 1
