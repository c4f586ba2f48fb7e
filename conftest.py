"""Settings of all test suites of this repository."""

from hypothesis import HealthCheck, settings

# How long examples take is the machine's affair; all else is as Hypothesis has it, here or in CI.
settings.register_profile(
    "any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
