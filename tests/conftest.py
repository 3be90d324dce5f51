"""What holds for all tests."""

from hypothesis import settings

# Machines that run tests are busy: how long an example takes says nothing about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
