"""The dispatcher against a model that is obviously right, whatever is done in whatever order."""

import asyncio
import gc
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clarion._core.instrument import Instrument, attach, detach
from clarion.errors import RunningLoopError, SenderError
from tests.core.model import (
    Action,
    Connect,
    Disconnect,
    Drop,
    Model,
    Receiver,
    Send,
    SendKind,
    Token,
    adapted,
)
from tests.core.receivers import Sender

VALUES = ("web", b"web", 7)
KINDS = st.sampled_from(get_args(SendKind))


class FailedError(Exception):
    """What a failing receiver raises."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self.receiver = receiver


class Amid:
    """What the first receiver called is to do, amid a send of some kind."""

    def __init__(self, machine: "Dispatcher", action: Send) -> None:
        self.machine = machine
        self.actions = list(action.amid)
        self.has_actions = bool(action.amid)
        self.kind = action.kind

    def taken(self) -> list[Action]:
        """Return what is to be done, to the first who asks."""
        taken, self.actions = self.actions, []
        return taken

    def response(self, receiver: Receiver) -> str:
        """Do it, and answer or raise."""
        in_loop = asyncio._get_running_loop() is not None
        for action in self.taken():
            self.machine.perform(adapted(action, receiver, in_loop=in_loop))
        if receiver.fails:
            raise FailedError(receiver)
        return "answered"

    async def answer_async(self, receiver: Receiver) -> str:
        """Do it, awaiting, and answer or raise."""
        for action in self.taken():
            await self.machine.perform_async(action)
        if receiver.fails and not self.has_actions:
            raise FailedError(receiver)
        return "answered"


class Listener:
    """The owner of methods of every kind."""

    def __init__(self, token: Token) -> None:
        self.token = token

    def sync(self, amid: Amid, **kwargs: object) -> str:
        """Answer."""
        return amid.response(Receiver(self.token, True, False, False))

    def sync_failing(self, amid: Amid, **kwargs: object) -> str:
        """Raise."""
        return amid.response(Receiver(self.token, True, False, True))

    async def asynchronous(self, amid: Amid, **kwargs: object) -> str:
        """Answer when awaited."""
        return await amid.answer_async(Receiver(self.token, True, True, False))

    async def asynchronous_failing(self, amid: Amid, **kwargs: object) -> str:
        """Raise when awaited."""
        return await amid.answer_async(Receiver(self.token, True, True, True))


def function(receiver: Receiver) -> Callable[..., Any]:
    """Make a function that is such a receiver."""
    if receiver.is_async:

        async def asynchronous(amid: Amid, **kwargs: object) -> str:
            return await amid.answer_async(receiver)

        return asynchronous

    def sync(amid: Amid, **kwargs: object) -> str:
        return amid.response(receiver)

    return sync


class Dispatcher(RuleBasedStateMachine):
    """Does everything to a signal and to the model of one, and compares."""

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        # Leave out of each collection what was there before: there will be thousands.
        gc.collect()
        gc.freeze()
        self.signal = make()
        self.model = Model()
        self.objects: dict[Token, Any] = {}
        self.functions: dict[Token, Receiver] = {}
        self.log: list[object] = []
        self.watch: Instrument | None = None
        self.last_token = 0

    def enter(self, something: object, *, is_value: bool = False) -> Token:
        """Hold something, and have the model know it."""
        self.last_token += 1
        self.objects[self.last_token] = something
        (self.model.values if is_value else self.model.held).add(self.last_token)
        return self.last_token

    # Who there is.

    @initialize(data=st.data(), count=st.integers(3, 8))
    def begin(self, data: st.DataObject, count: int) -> None:
        """Begin with a sender and a receiver of every kind, and some of them connected."""
        for value in VALUES:
            self.enter(value, is_value=True)
        self.make_instance()
        self.model.bases[self.enter(type("Class", (), {}))] = set()
        self.make_listener()
        for is_async in (False, True):
            self.make_function(is_async=is_async, fails=False)
        for _ in range(count):
            self.both(self.draw_connect(data))

    @precondition(lambda self: len(self.model.held) < 12)
    @rule(data=st.data(), kind=st.sampled_from(["instance", "class", "function", "listener"]))
    def make(self, data: st.DataObject, kind: str) -> None:
        """Make another sender or receiver."""
        match kind:
            case "instance":
                self.make_instance()
            case "class":
                self.make_class(data)
            case "function":
                self.make_function(data.draw(st.booleans()), data.draw(st.booleans()))
            case "listener":
                self.make_listener()

    def make_instance(self) -> None:
        """Make a sender that is told by identity."""
        self.enter(Sender())

    def make_class(self, data: st.DataObject) -> None:
        """Make a sender that is a class, derived from others or not."""
        classes = [t for t in self.model.bases if t in self.model.held]
        bases = data.draw(st.lists(st.sampled_from([*classes, 0]), max_size=2, unique=True))
        bases = [token for token in bases if token]
        try:
            made = type("Class", tuple(self.objects[token] for token in bases), {})
        except TypeError:
            return  # these two cannot be put in order
        ancestors = {token for base in bases for token in (base, *self.model.bases[base])}
        self.model.bases[self.enter(made)] = ancestors

    def make_function(self, is_async: bool, fails: bool) -> None:
        """Make a receiver that is a function."""
        receiver = Receiver(self.last_token + 1, False, is_async, fails)
        self.functions[self.enter(function(receiver))] = receiver

    def make_listener(self) -> None:
        """Make an object whose methods are receivers."""
        token = self.last_token + 1
        self.enter(Listener(token))

    # What is done.

    def receivers(self) -> list[Receiver]:
        """Return the receivers that the test holds."""
        found = [self.functions[t] for t in self.functions if t in self.objects]
        for token, thing in self.objects.items():
            if isinstance(thing, Listener):
                found += [
                    Receiver(token, True, is_async, fails)
                    for is_async in (False, True)
                    for fails in (False, True)
                ]
        return found

    def senders(self) -> list[Token | None]:
        """Return the senders that the test holds, and None."""
        receivers = {receiver.holder for receiver in self.receivers()}
        return [None, *(token for token in self.objects if token not in receivers)]

    def draw_sender(self, data: st.DataObject) -> Token | None:
        """Choose a sender, preferably one that somebody listens to."""
        senders = self.senders()
        wanted = {entry.asked.sender for entry in self.model.entries} - {None}
        wanted |= {t for t, bases in self.model.bases.items() if bases & wanted}
        likely = [sender for sender in senders if sender in wanted]
        if likely and bool(data.draw(st.integers(0, 3))):
            senders = likely
        return data.draw(st.sampled_from(senders))

    def draw_connect(self, data: st.DataObject) -> Connect:
        """Choose what to connect."""
        sender = self.draw_sender(data)
        rarely = data.draw(st.integers(0, 7)) == 7
        return Connect(
            data.draw(st.sampled_from(self.receivers())),
            sender,
            weak=data.draw(st.sampled_from([None, None, True, False])),
            uid=data.draw(st.sampled_from([None, None, None, "one", "two"])),
            priority=data.draw(st.integers(-1, 1)),
            once=data.draw(st.integers(0, 3)) == 3,
            subclasses=rarely or (sender in self.model.bases and data.draw(st.booleans())),
            inline=data.draw(st.booleans()),
        )

    def draw_disconnect(self, data: st.DataObject) -> Disconnect:
        """Choose what to disconnect, preferably what is connected."""
        connected = [e.asked for e in self.model.entries if e.asked.receiver.holder in self.objects]
        if connected and bool(data.draw(st.booleans())):
            asked = data.draw(st.sampled_from(connected))
            return Disconnect(asked.receiver, asked.sender, asked.uid)
        return Disconnect(
            data.draw(st.sampled_from(self.receivers())),
            data.draw(st.sampled_from(self.senders())),
            data.draw(st.sampled_from([None, "one"])),
        )

    def draw_drop(self, data: st.DataObject) -> Drop:
        """Choose whom to let go."""
        return Drop(data.draw(st.sampled_from(sorted(self.model.held))))

    def draw_action(self, data: st.DataObject) -> Action:
        """Choose what happens amid a send."""
        choices: dict[str, Callable[[st.DataObject], Action]] = {
            "send": lambda data: Send(data.draw(KINDS), self.draw_sender(data)),
        }
        if self.model.held:
            choices["drop"] = self.draw_drop
        if self.receivers():
            choices |= {"connect": self.draw_connect, "disconnect": self.draw_disconnect}
        return choices[data.draw(st.sampled_from(sorted(choices)))](data)

    @precondition(lambda self: self.receivers())
    @rule(data=st.data(), count=st.integers(1, 4))
    def connect(self, data: st.DataObject, count: int) -> None:
        """Connect anything to anything."""
        for _ in range(count):
            self.both(self.draw_connect(data))

    @precondition(lambda self: self.receivers())
    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        """Disconnect what is connected, or is not."""
        self.both(self.draw_disconnect(data))

    @precondition(lambda self: len(self.model.held) > 5)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """Let a receiver or a sender go."""
        self.both(self.draw_drop(data))

    @rule(data=st.data(), kinds=st.lists(KINDS, min_size=1, max_size=2))
    def send(self, data: st.DataObject, kinds: list[SendKind]) -> None:
        """Send, and do something amid it."""
        for kind in kinds:
            sender = self.draw_sender(data)
            amid = [self.draw_action(data) for _ in range(data.draw(st.integers(0, 3)))]
            self.both(Send(kind, sender, tuple(amid)))

    @rule()
    def watch_or_not(self) -> None:
        """Have an instrument watch, which changes the road and nothing else."""
        if self.watch is None:
            self.watch = Instrument()
            attach(self.watch, self.signal)
        else:
            detach(self.watch, self.signal)
            self.watch = None

    # The same, really.

    def both(self, action: Action) -> None:
        """Do it to the model and to the signal, and compare what came of it."""
        self.model.perform(action)
        self.perform(action)
        assert self.log == self.model.log, action
        self.log.clear()
        self.model.log.clear()

    def perform(self, action: Action) -> None:
        """Do it, and log what comes of it."""
        if self.is_possible(action):
            if isinstance(action, Send):
                self.log_send(lambda: self.sent(action))
            else:
                self.change(action)
        gc.collect()

    async def perform_async(self, action: Action) -> None:
        """Do it inside a running loop."""
        if isinstance(action, Send) and action.kind.startswith("a") and self.is_possible(action):
            try:
                responses = await self.start(action)
            except (FailedError, ExceptionGroup) as error:
                self.log_raised(error)
            else:
                self.log_answers(responses)
                del responses
            gc.collect()
        else:
            self.perform(action)

    def is_possible(self, action: Action) -> bool:
        """Tell whether everything that it takes is still at hand."""
        match action:
            case Connect(receiver, sender) | Disconnect(receiver, sender):
                return receiver.holder in self.objects and (not sender or sender in self.objects)
            case Drop(token):
                # A class whose subclasses are alive would not die.
                kind = self.objects.get(token)
                return not (isinstance(kind, type) and kind.__subclasses__())
            case Send():
                return not action.sender or action.sender in self.objects

    def change(self, action: Connect | Disconnect | Drop) -> None:
        """Connect, disconnect or let go."""
        match action:
            case Connect():
                try:
                    self.signal.connect(
                        self.receiver(action.receiver),
                        self.sender(action.sender),
                        action.weak,
                        action.uid,
                        priority=action.priority,
                        once=action.once,
                        subclasses=action.subclasses,
                        inline=action.inline,
                    )
                except SenderError:
                    self.log.append("refused to connect")
            case Disconnect():
                found = self.signal.disconnect(
                    self.receiver(action.receiver), self.sender(action.sender), action.uid
                )
                self.log.append(("disconnected", found))
            case Drop(token):
                self.objects.pop(token, None)

    def receiver(self, receiver: Receiver) -> Any:
        """Return the receiver itself."""
        thing = self.objects[receiver.holder]
        if not receiver.is_method:
            return thing
        name = "asynchronous" if receiver.is_async else "sync"
        return getattr(thing, f"{name}_failing" if receiver.fails else name)

    def sender(self, token: Token | None) -> Any:
        """Return the sender itself."""
        return None if token is None else self.objects[token]

    def start(self, action: Send) -> Any:
        """Call one of the four sends."""
        method = getattr(self.signal, action.kind)
        return method(self.sender(action.sender), amid=Amid(self, action))

    def sent(self, action: Send) -> Any:
        """Send where no loop has to be minded."""
        result = self.start(action)
        return asyncio.run(result) if action.kind.startswith("a") else result

    def log_send(self, send: Callable[[], Any]) -> None:
        """Log the answers or what was raised."""
        try:
            self.log_answers(send())
        except RunningLoopError:
            self.log.append("refused to send")
        except (FailedError, ExceptionGroup) as error:
            self.log_raised(error)

    def log_answers(self, responses: list[tuple[Any, Any]]) -> None:
        """Log who answered what."""
        self.log.append(
            [(self.identity(receiver), self.told(response)) for receiver, response in responses]
        )

    def identity(self, receiver: Any) -> Receiver:
        """Tell which receiver this is."""
        listener = getattr(receiver, "__self__", None)
        if listener is None:
            found: Receiver = receiver.__closure__[0].cell_contents
            return found
        name = receiver.__name__
        return Receiver(listener.token, True, "async" in name, "failing" in name)

    def told(self, response: object) -> object:
        """Return what is to be compared of an answer."""
        return "failed" if isinstance(response, FailedError) else response

    def log_raised(self, error: Any) -> None:
        """Log who raised."""
        errors: Any = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        self.log.append(("raised", sorted(each.receiver for each in errors)))

    @invariant()
    def the_same_are_connected(self) -> None:
        """As many registrations as entries, of the same kinds, in the same order."""
        registered = self.signal._table.registrations()
        assert [(r.priority, r.is_async, r.once, r.weak) for r in registered] == [
            (e.asked.priority, e.asked.receiver.is_async, e.asked.once, e.is_weak)
            for e in self.model.entries
        ]

    @invariant()
    def the_same_are_heard(self) -> None:
        """has_listeners() agrees for every sender."""
        for sender in self.senders():
            assert self.signal.has_listeners(self.sender(sender)) is bool(self.model.heard(sender))

    @invariant()
    def nothing_is_left(self) -> None:
        """Buckets are kept for living senders only, and none without a reason."""
        table = self.signal._table
        wanted = sum(1 for sender in self.senders() if sender is not None)
        assert len(table.buckets) <= wanted
        assert len(table._built) <= wanted + 1


SHORT = 25


@pytest.mark.parametrize(
    "count", [pytest.param(SHORT, id="25"), pytest.param(1000, id="1000", marks=pytest.mark.slow)]
)
def test_signals_do_as_the_model_does(make, caplog, count):
    """Connects, disconnects, deaths and sends of every kind, nested in each other."""
    caplog.set_level("CRITICAL", "clarion")
    run_state_machine_as_test(
        lambda: Dispatcher(make),  # type: ignore[arg-type]  # a factory will do
        settings=settings(
            max_examples=count,
            stateful_step_count=20,
            deadline=None,
            database=None,
            # The same examples each time, so that a failure is the change's doing; the slow
            # run looks for others.
            derandomize=count == SHORT,
            suppress_health_check=list(HealthCheck),
        ),
    )
