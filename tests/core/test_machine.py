"""The dispatcher gives the same results as a simple model, for random operations."""

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
    """The error of a failing receiver."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(receiver)
        self.receiver = receiver


class NestedActions:
    """The actions that the first receiver performs during a send of some kind."""

    def __init__(self, machine: "Dispatcher", action: Send) -> None:
        self.machine = machine
        self.actions = list(action.nested)
        self.has_actions = bool(action.nested)
        self.kind = action.kind

    def take(self) -> list[Action]:
        """Return the actions to the first caller, and none to others."""
        take, self.actions = self.actions, []
        return take

    def response(self, receiver: Receiver) -> str:
        """Perform the actions; then respond or raise."""
        in_loop = asyncio._get_running_loop() is not None
        for action in self.take():
            self.machine.perform(adapted(action, receiver, in_loop=in_loop))
        if receiver.fails:
            raise FailedError(receiver)
        return "answered"

    async def answer_async(self, receiver: Receiver) -> str:
        """Perform the actions, awaiting them; then respond or raise."""
        for action in self.take():
            await self.machine.perform_async(action)
        if receiver.fails and not self.has_actions:
            raise FailedError(receiver)
        return "answered"


class Listener:
    """An object with methods that are receivers of every kind."""

    def __init__(self, token: Token) -> None:
        self.token = token

    def sync(self, nested: NestedActions, **kwargs: object) -> str:
        """Respond."""
        return nested.response(Receiver(self.token, True, False, False))

    def sync_failing(self, nested: NestedActions, **kwargs: object) -> str:
        """Raise."""
        return nested.response(Receiver(self.token, True, False, True))

    async def asynchronous(self, nested: NestedActions, **kwargs: object) -> str:
        """Respond when awaited."""
        return await nested.answer_async(Receiver(self.token, True, True, False))

    async def asynchronous_failing(self, nested: NestedActions, **kwargs: object) -> str:
        """Raise when awaited."""
        return await nested.answer_async(Receiver(self.token, True, True, True))


def function(receiver: Receiver) -> Callable[..., Any]:
    """Return a function that is this receiver."""
    if receiver.is_async:

        async def asynchronous(nested: NestedActions, **kwargs: object) -> str:
            return await nested.answer_async(receiver)

        return asynchronous

    def sync(nested: NestedActions, **kwargs: object) -> str:
        return nested.response(receiver)

    return sync


class Dispatcher(RuleBasedStateMachine):
    """Performs each action on a signal and on the model, and compares them."""

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        # Exclude existing objects from the thousands of collections to come.
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
        """Hold an object, and add its token to the model."""
        self.last_token += 1
        self.objects[self.last_token] = something
        (self.model.values if is_value else self.model.held).add(self.last_token)
        return self.last_token

    # Senders and receivers.

    @initialize(data=st.data(), count=st.integers(3, 8))
    def begin(self, data: st.DataObject, count: int) -> None:
        """Create a sender and a receiver of every kind, and connect some of them."""
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
        """Create another sender or receiver."""
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
        """Create a sender that is compared by model_receiver."""
        self.enter(Sender())

    def make_class(self, data: st.DataObject) -> None:
        """Create a sender that is a class, with or without bases."""
        classes = [t for t in self.model.bases if t in self.model.held]
        bases = data.draw(st.lists(st.sampled_from([*classes, 0]), max_size=2, unique=True))
        bases = [token for token in bases if token]
        try:
            made = type("Class", tuple(self.objects[token] for token in bases), {})
        except TypeError:
            return  # these two bases have no consistent order
        ancestors = {token for base in bases for token in (base, *self.model.bases[base])}
        self.model.bases[self.enter(made)] = ancestors

    def make_function(self, is_async: bool, fails: bool) -> None:
        """Create a receiver that is a function."""
        receiver = Receiver(self.last_token + 1, False, is_async, fails)
        self.functions[self.enter(function(receiver))] = receiver

    def make_listener(self) -> None:
        """Create an object with methods that are receivers."""
        token = self.last_token + 1
        self.enter(Listener(token))

    # Actions.

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
        """Choose a sender, preferably one with receivers."""
        senders = self.senders()
        wanted = {entry.asked.sender for entry in self.model.entries} - {None}
        wanted |= {t for t, bases in self.model.bases.items() if bases & wanted}
        likely = [sender for sender in senders if sender in wanted]
        if likely and bool(data.draw(st.integers(0, 3))):
            senders = likely
        return data.draw(st.sampled_from(senders))

    def draw_connect(self, data: st.DataObject) -> Connect:
        """Choose a receiver and options to connect."""
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
        """Choose a receiver to disconnect, preferably a connected one."""
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
        """Choose an object to release."""
        return Drop(data.draw(st.sampled_from(sorted(self.model.held))))

    def draw_action(self, data: st.DataObject) -> Action:
        """Choose an action that runs during a send."""
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
        """Connect any receiver to any sender."""
        for _ in range(count):
            self.both(self.draw_connect(data))

    @precondition(lambda self: self.receivers())
    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        """Disconnect a receiver, connected or not."""
        self.both(self.draw_disconnect(data))

    @precondition(lambda self: len(self.model.held) > 5)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        """Release a receiver or a sender."""
        self.both(self.draw_drop(data))

    @rule(data=st.data(), kinds=st.lists(KINDS, min_size=1, max_size=2))
    def send(self, data: st.DataObject, kinds: list[SendKind]) -> None:
        """Send, and perform actions during the send."""
        for kind in kinds:
            sender = self.draw_sender(data)
            nested = [self.draw_action(data) for _ in range(data.draw(st.integers(0, 3)))]
            self.both(Send(kind, sender, tuple(nested)))

    @rule()
    def toggle_instrument(self) -> None:
        """Attach or detach an instrument, which changes the send path and no result."""
        if self.watch is None:
            self.watch = Instrument()
            attach(self.watch, self.signal)
        else:
            detach(self.watch, self.signal)
            self.watch = None

    # The same actions on the signal.

    def both(self, action: Action) -> None:
        """Perform an action on the model and on the signal, and compare the logs."""
        self.model.perform(action)
        self.perform(action)
        assert self.log == self.model.log, action
        self.log.clear()
        self.model.log.clear()

    def perform(self, action: Action) -> None:
        """Perform an action and log its result."""
        if self.is_available(action):
            if isinstance(action, Send):
                self.log_send(lambda: self.sent(action))
            else:
                self.change(action)
        gc.collect()

    async def perform_async(self, action: Action) -> None:
        """Perform an action inside a running loop."""
        if isinstance(action, Send) and action.kind.startswith("a") and self.is_available(action):
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

    def is_available(self, action: Action) -> bool:
        """Return whether all objects of an action are still held."""
        match action:
            case Connect(receiver, sender) | Disconnect(receiver, sender):
                return receiver.holder in self.objects and (not sender or sender in self.objects)
            case Drop(token):
                # A class with living subclasses would not die.
                kind = self.objects.get(token)
                return not (isinstance(kind, type) and kind.__subclasses__())
            case Send():
                return not action.sender or action.sender in self.objects

    def change(self, action: Connect | Disconnect | Drop) -> None:
        """Connect, disconnect or release."""
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
        """Return the object of a receiver."""
        thing = self.objects[receiver.holder]
        if not receiver.is_method:
            return thing
        name = "asynchronous" if receiver.is_async else "sync"
        return getattr(thing, f"{name}_failing" if receiver.fails else name)

    def sender(self, token: Token | None) -> Any:
        """Return the object of a sender."""
        return None if token is None else self.objects[token]

    def start(self, action: Send) -> Any:
        """Call one of the four sends."""
        method = getattr(self.signal, action.kind)
        return method(self.sender(action.sender), nested=NestedActions(self, action))

    def sent(self, action: Send) -> Any:
        """Send outside a running loop."""
        result = self.start(action)
        return asyncio.run(result) if action.kind.startswith("a") else result

    def log_send(self, send: Callable[[], Any]) -> None:
        """Log the responses or the error."""
        try:
            self.log_answers(send())
        except RunningLoopError:
            self.log.append("refused to send")
        except (FailedError, ExceptionGroup) as error:
            self.log_raised(error)

    def log_answers(self, responses: list[tuple[Any, Any]]) -> None:
        """Log each receiver with its response."""
        self.log.append(
            [
                (self.model_receiver(receiver), self.comparable(response))
                for receiver, response in responses
            ]
        )

    def model_receiver(self, receiver: Any) -> Receiver:
        """Return the model's receiver for a real one."""
        listener = getattr(receiver, "__self__", None)
        if listener is None:
            found: Receiver = receiver.__closure__[0].cell_contents
            return found
        name = receiver.__name__
        return Receiver(listener.token, True, "async" in name, "failing" in name)

    def comparable(self, response: object) -> object:
        """Return a response in the form that the model logs."""
        return "failed" if isinstance(response, FailedError) else response

    def log_raised(self, error: Any) -> None:
        """Log the receivers that raised."""
        errors: Any = error.exceptions if isinstance(error, ExceptionGroup) else [error]
        self.log.append(("raised", sorted(each.receiver for each in errors)))

    @invariant()
    def registrations_equal_entries(self) -> None:
        """The registrations equal the model's entries, in the same order."""
        registered = self.signal._table.registrations()
        assert [(r.priority, r.is_async, r.once, r.weak) for r in registered] == [
            (e.asked.priority, e.asked.receiver.is_async, e.asked.once, e.is_weak)
            for e in self.model.entries
        ]

    @invariant()
    def listeners_agree(self) -> None:
        """`has_listeners()` agrees with the model for every sender."""
        for sender in self.senders():
            assert self.signal.has_listeners(self.sender(sender)) is bool(
                self.model.receiving(sender)
            )

    @invariant()
    def only_living_senders_have_buckets(self) -> None:
        """Only living senders have buckets and routes."""
        table = self.signal._table
        wanted = sum(1 for sender in self.senders() if sender is not None)
        assert len(table.buckets) <= wanted
        assert len(table._built) <= wanted + 1


SHORT = 25


# Options of a second connect are ignored, with a warning that has tests of its own.
@pytest.mark.filterwarnings("ignore::clarion.errors.ConnectWarning")
@pytest.mark.parametrize(
    "count", [pytest.param(SHORT, id="25"), pytest.param(1000, id="1000", marks=pytest.mark.slow)]
)
def test_a_signal_agrees_with_the_model(make, caplog, count):
    """Random connects, disconnects, deaths and nested sends give the model's results."""
    caplog.set_level("CRITICAL", "clarion")
    run_state_machine_as_test(
        lambda: Dispatcher(make),  # type: ignore[arg-type]  # a factory will do
        settings=settings(
            max_examples=count,
            stateful_step_count=20,
            deadline=None,
            database=None,
            # The same examples each time, so that a failure is caused by the change; the slow
            # run searches for others.
            derandomize=count == SHORT,
            suppress_health_check=list(HealthCheck),
        ),
    )
