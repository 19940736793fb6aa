"""The expected result of a scenario: the rule, in twenty lines."""

from hypothesis import strategies as st

from tests.scenarios.stages import Block, Send


def expected_log(steps):
    """Return who runs, in order: see `Player.log`."""
    log = []
    for step in steps:
        log += ran([step] if isinstance(step, Send) else survivors(step))
    return log


def survivors(block):
    """Return the sends of a block that are committed with it."""
    if block.ends != "well":
        return []
    found: list[Send] = []
    for step in block.steps:
        found += [step] if isinstance(step, Send) else survivors(step)
    return found


def ran(sends):
    """Return what the receivers of these sends log: one for each send, and one for each key."""
    log, keys = [], set()
    for send in sends:
        log += [send.n, *expected_log(send.then)]
        if send.key not in keys:
            keys.add(send.key)
            numbers = " ".join(str(each.n) for each in sends if each.key == send.key)
            log.append(f"{send.key}: {numbers}")
    return log


def written(steps):
    """Return the rows that exist in the end."""
    rows = []
    for step in steps:
        sends = [step] if isinstance(step, Send) else survivors(step)
        rows += [] if isinstance(step, Send) else [send.n for send in sends]
        for send in sends:
            rows += written(send.then)
    return sorted(rows)


@st.composite
def scenarios(draw):
    """Draw a scenario: random nestings, failures and receivers that send."""
    numbers = iter(range(1, 1000))

    def send(deep):
        then = steps(3 - deep, deep + 1) if deep < 2 and draw(st.integers(0, 4)) == 0 else ()
        key = draw(st.sampled_from("ab"))
        return Send(next(numbers), key, then, draw(st.integers(0, 5)) == 0)

    def step(depth, deep, *, inside):
        if not depth or draw(st.integers(0, 2)) == 0:
            return send(deep)
        ends = ["well", "well", "raises"] if inside else ["well", "well", "raises", "commit fails"]
        return Block(steps(depth - 1, deep, inside=True), draw(st.sampled_from(ends)))

    def steps(depth, deep, *, inside=False):
        count = draw(st.integers(0, 4))
        return tuple(step(depth, deep, inside=inside) for _ in range(count))

    return steps(4, 0)
