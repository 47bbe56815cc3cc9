import pytest

from adapters.sinks.kafka.answers import judge
from schemas.errors import SinkRefusedError, SinkUnavailableError


def test_a_batch_without_errors_is_stored() -> None:
    judge([], "_TRANSPORT", topic="payloads")


def test_a_refusal_for_size_lets_the_culprit_be_looked_for() -> None:
    with pytest.raises(SinkRefusedError, match=r"max\.message\.bytes"):
        judge(["MSG_SIZE_TOO_LARGE"], None, topic="payloads")


def test_a_refusal_for_size_beside_another_failure_condemns_nobody() -> None:
    with pytest.raises(SinkUnavailableError):
        judge(["MSG_SIZE_TOO_LARGE", "_MSG_TIMED_OUT"], None, topic="payloads")


@pytest.mark.parametrize(
    ("error", "last_error", "advice"),
    [
        ("_MSG_TIMED_OUT", None, "no acknowledgement in time"),
        ("_MSG_TIMED_OUT", "_AUTHENTICATION", "check `sasl"),
        ("_MSG_TIMED_OUT", "_SSL", "check `security.protocol`"),
        ("_MSG_TIMED_OUT", "_ALL_BROKERS_DOWN", "check `bootstrap_servers`"),
        ("TOPIC_AUTHORIZATION_FAILED", "_TRANSPORT", "grant WRITE"),
        ("UNKNOWN_TOPIC_OR_PART", None, "create it"),
        ("INVALID_RECORD", None, "check the topic's configuration"),
        ("POLICY_VIOLATION", None, "the client says POLICY_VIOLATION"),
    ],
)
def test_a_fault_of_brokers_or_configuration_is_unavailable_and_says_what_to_do(
    error: str, last_error: str | None, advice: str
) -> None:
    with pytest.raises(SinkUnavailableError) as caught:
        judge([error], last_error, topic="payloads")
    assert advice in caught.value.message
    assert error in caught.value.message
    assert "payloads" in caught.value.message
