"""`make downstream`: run the test suites of other projects, unmodified, on Clarion.

A suite runs in several modes, of which the first is without Clarion. A test is a regression
if it fails only with Clarion, or does not run any more. In reading order::

    suites.toml     which suites, which releases, and the known differences, as data
    environments    one environment and one source distribution for each suite
    outcomes        what a run recorded, and what counts as a regression
    suite           runs a suite in its modes
    django_suite    Django's own tests: plain, by `install()`, as an app
    projects        third-party suites: plain, with Clarion
    orm_suite       SQLAlchemy's tests of its ORM: plain, with receivers of every signal
    __main__        the command line, the tables and the exit status
    inside/         what runs in a suite's own process
"""
