"""Procrastinate passes the conformance suite."""

from tests.background.conformance import BrokerConformance, Conformance, KillConformance
from tests.background.stages.procrastinate_stage import ProcrastinateStage


class TestProcrastinate(Conformance, BrokerConformance, KillConformance):
    """Procrastinate on PostgreSQL, with the rescue of stalled jobs."""

    stage_class = ProcrastinateStage
