import logging

import msgspec
import pytest

from adapters.sinks.kafka.client_log import ClientLog, without
from adapters.sinks.kafka.settings import KafkaSettings


def test_values_of_the_configuration_are_taken_out_the_longest_first() -> None:
    assert without(["secret", "secret-2", 1, ""], "secret-2 and secret at broker 1") == "... and ... at broker 1"


def test_what_quotes_a_part_of_a_value_is_not_repeated() -> None:
    assert without(["a=b c=d"], "sasl.oauthbearer.config: c=d") == "sasl.oauthbearer.config can't be used"


def test_lines_of_the_client_are_for_who_looks_for_them(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {"type": "kafka", "bootstrap_servers": "a:1", "topic": "t", "config": {"sasl.password": "very-secret"}}
    ClientLog(msgspec.convert(settings, KafkaSettings)).log(3, "%s: login with %s", "broker-1", "very-secret")
    assert "very-secret" not in caplog.text
