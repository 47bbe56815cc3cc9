"""Profiles of hypothesis: `long` is what `make properties` runs; `unshrunk` is for what fails on purpose."""

from hypothesis import HealthCheck, Phase, settings

# The machine's load is no property of the code.
settings.register_profile("default", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("default"), max_examples=100_000, database=None)
settings.register_profile(
    "unshrunk", settings.get_profile("default"), max_examples=1000, phases=[Phase.generate], database=None
)
settings.load_profile("default")
