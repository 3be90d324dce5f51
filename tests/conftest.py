"""What holds for all tests."""

import gc

from hypothesis import settings

# Machines that run tests are busy: how long an example takes says nothing about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


def pytest_collection_finish() -> None:
    """What is loaded by now stays: searching it for garbage again and again takes a third of the time of compiling."""
    gc.collect()
    gc.set_threshold(20_000, 20, 50)
