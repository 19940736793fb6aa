"""Places whose last job could take nothing rest for a while."""

import time

from clarion.worker.rests import LONGEST, SHORTEST, Rests


def test_a_place_rests_after_a_job_that_took_nothing(monkeypatch):
    """Twice as long each time, up to a limit; a job that took something ends it."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    rests, place = Rests(), ("mail", None)
    assert not rests.is_resting(place)
    waits = []
    for _ in range(8):
        rests.note(place, has_worked=False)
        begun = now[0]
        while rests.is_resting(place):
            now[0] += SHORTEST / 4
        waits.append(round((now[0] - begun) / SHORTEST))
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == round(LONGEST / SHORTEST)
    rests.note(place, has_worked=False)
    assert rests.is_resting(place)
    assert rests.is_hopeless(place)
    assert not rests.is_resting(("mail", 3))
    assert not rests.is_hopeless(("mail", 3))
    rests.note(place, has_worked=True)
    assert not rests.is_resting(place)
