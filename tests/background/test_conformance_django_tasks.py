"""django.tasks passes the conformance suite, but for retries and the death of a worker."""

import gc
import signal

import pytest

from tests.background.conformance import BrokerConformance, Conformance
from tests.background.program import happened
from tests.background.stages.django_tasks_stage import DjangoTasksStage

pytestmark = [
    pytest.mark.engines,
    # The threads of a test end without a request, which would have closed their connections.
    pytest.mark.filterwarnings("ignore:Exception ignored .*<function BaseConnection.__del__"),
]


@pytest.fixture(scope="class", autouse=True)
def _unblocked(django_db_blocker):
    """Let the tests of this module use Django's databases outside a transaction."""
    with django_db_blocker.unblock():
        yield
    gc.collect()  # the warnings of those connections come here, and not in another module


class TestDjangoTasks(Conformance, BrokerConformance):
    """The backend of django-tasks-db on PostgreSQL, with its command `db_worker`."""

    stage_class = DjangoTasksStage

    def test_a_killed_worker_loses_its_task(self, stage, name):
        """The task of a killed worker stays RUNNING, and no worker takes it again, as the delivery says."""
        assert "killed, is not made again" in stage.delivery.engine.losses()[0]
        happened.send("slow", name=name)
        happened.send("note", name=name)
        stage.effects.wait_for("slow begins", name)
        stage.kill_workers(signal.SIGKILL)
        stage.start_worker()
        stage.effects.wait_for("note", name)
        self.reach(stage)
        assert len(stage.effects.of("slow begins", name)) == 1
        assert stage.effects.of("slow", name) == []
        ((_, status, _),) = stage.tasks(
            f"args_kwargs::text LIKE '%{name}%' AND args_kwargs::text LIKE '%program:slow%'"
        )
        assert status == "RUNNING"

    def test_a_receiver_that_is_deployed_later_does_not_run(self, stage, name):
        """The task of an unknown receiver fails with the cure, and is not tried again, as the delivery says."""
        assert "unknown to the worker" in stage.delivery.engine.losses()[0]
        stage.kill_workers(signal.SIGTERM)
        stage.start_worker("old")
        happened.send("newest", name=name)
        self.reach(stage)
        ((_, status, traceback),) = stage.tasks(f"args_kwargs::text LIKE '%{name}%'")
        assert status == "FAILED"
        assert "Import its module in the worker" in traceback
        stage.kill_workers(signal.SIGTERM)
        stage.start_worker()
        self.reach(stage)
        assert stage.effects.of("newest", name) == []
