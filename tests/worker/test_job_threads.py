"""The threads in which the jobs run."""

import threading
from typing import Any

from clarion.worker.job_threads import JobThreads
from clarion.worker.jobs import UnorderedJob


class WaitingJob(UnorderedJob):
    """A job that waits until the test lets it end."""

    def __init__(self, receiver, error=None):
        context: Any = None
        super().__init__(receiver, context)
        self.may_end = threading.Event()
        self.error = error

    def run(self):
        """Wait."""
        self.may_end.wait(30)
        if self.error is not None:
            raise self.error


def test_it_counts_the_jobs_that_run():
    """It counts the running jobs of each receiver."""
    ended = threading.Semaphore(0)
    threads = JobThreads(3, lambda error: ended.release())
    jobs = [WaitingJob("mail"), WaitingJob("mail")]
    for each in jobs:
        threads.start(each)
    assert (threads.free, dict(threads.counts())) == (1, {"mail": 2})
    for each in jobs:
        each.may_end.set()
        assert ended.acquire(timeout=30)
    assert (threads.free, threads.jobs(), threads.is_idle.is_set()) == (3, [], True)
    assert threads.deadline() is None


def test_the_first_job_of_a_receiver_is_the_oldest_that_runs():
    """When it has ended, the next one is the first."""
    ended = threading.Semaphore(0)
    threads = JobThreads(3, lambda error: ended.release())
    jobs = [WaitingJob("mail"), WaitingJob("mail"), WaitingJob("other")]
    for each in jobs:
        threads.start(each)
    assert [threads.is_first(each) for each in jobs] == [True, False, True]
    jobs[0].may_end.set()
    assert ended.acquire(timeout=30)
    assert threads.is_first(jobs[1])
    for each in jobs[1:]:
        each.may_end.set()
        assert ended.acquire(timeout=30)


def test_it_reports_what_a_job_raised():
    """The error of a job is passed to the worker, which decides."""
    errors, ended = [], threading.Event()

    def on_end(error):
        errors.append(error)
        ended.set()

    job = WaitingJob("mail", LookupError())
    JobThreads(1, on_end).start(job)
    job.may_end.set()
    assert ended.wait(30)
    assert errors == [job.error]
