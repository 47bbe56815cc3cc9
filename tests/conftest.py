"""Profiles of hypothesis: `--hypothesis-profile=long` is what `make properties` runs."""

from hypothesis import HealthCheck, settings

# The machine's load is no property of the code.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("default"), max_examples=100_000, database=None)
settings.load_profile("default")
