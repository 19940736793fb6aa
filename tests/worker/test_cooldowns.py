"""Places without a new job for a while, because the last one could take nothing."""

import time

from clarion.worker.cooldowns import LONGEST, SHORTEST, Cooldowns


def test_a_place_gets_no_job_after_one_that_took_nothing(monkeypatch):
    """The time doubles up to a limit, and a job that takes a delivery ends it."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    cooldowns, place = Cooldowns(), ("mail", None)
    assert not cooldowns.is_cooling_down(place)
    waits = []
    for _ in range(8):
        cooldowns.note(place, has_worked=False)
        begun = now[0]
        while cooldowns.is_cooling_down(place):
            now[0] += SHORTEST / 4
        waits.append(round((now[0] - begun) / SHORTEST))
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == round(LONGEST / SHORTEST)
    cooldowns.note(place, has_worked=False)
    assert cooldowns.is_cooling_down(place)
    assert cooldowns.is_stuck(place)
    assert not cooldowns.is_cooling_down(("mail", 3))
    assert not cooldowns.is_stuck(("mail", 3))
    cooldowns.note(place, has_worked=True)
    assert not cooldowns.is_cooling_down(place)
