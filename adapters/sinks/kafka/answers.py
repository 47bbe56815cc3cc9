"""What the errors of messages mean for their batch. Names are librdkafka's; those with `_` are the client's own."""

from collections.abc import Collection

from schemas.errors import SinkRefusedError, SinkUnavailableError

# A batch of the protocol is refused as one, so the culprit has to be looked for.
_TOO_LARGE = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"})

_ADVICE = {
    "_AUTHENTICATION": "the login is refused: check `sasl.*` in `config`",
    "SASL_AUTHENTICATION_FAILED": "the login is refused: check `sasl.*` in `config`",
    "_SSL": "TLS fails: check `security.protocol` and `ssl.*` in `config`",
    "_RESOLVE": "a broker's name can't be resolved: check `bootstrap_servers`",
    "_TRANSPORT": "no connection to a broker holds: check `bootstrap_servers` and `security.protocol`",
    "_ALL_BROKERS_DOWN": "no broker can be reached: check `bootstrap_servers`",
    "CLUSTER_AUTHORIZATION_FAILED": "the user may not write idempotently: grant IDEMPOTENT_WRITE on the cluster",
    "TOPIC_AUTHORIZATION_FAILED": "the user may not write to the topic: grant WRITE and DESCRIBE on it",
    "UNKNOWN_TOPIC_OR_PART": "the topic does not exist: create it",
    "_UNKNOWN_TOPIC": "the topic does not exist: create it",
    "_UNKNOWN_PARTITION": "the topic does not exist: create it",
    "TOPIC_EXCEPTION": "the brokers don't allow the topic's name: check `topic`",
    "NOT_ENOUGH_REPLICAS": "too few replicas of the topic are in sync",
    "_DESTROY": "its client failed, and another one is made",
    "_QUEUE_FULL": "too many messages wait for it",
    "INVALID_RECORD": "the brokers validate records and don't let ours pass: check the topic's configuration",
    "INVALID_TIMESTAMP": "a broker's clock, or ours, is wrong",
}


def judge(errors: Collection[str], last_error: str | None, *, topic: str) -> None:
    """Raise where a batch is not stored; return where it is.

    Only size can be a record's own fault: everything else is the brokers' or the configuration's, and costs no record.

    Args:
        errors: names of the errors of its messages.
        last_error: name of the client's own last error, which explains messages that ran out of time.
        topic: for the message.

    Raises:
        SinkRefusedError: the brokers refuse what was sent for its size.
        SinkUnavailableError: not stored now.
    """
    others = sorted(set(errors) - _TOO_LARGE)
    if others:
        reason = last_error if others[0] == "_MSG_TIMED_OUT" and last_error else others[0]
        raise SinkUnavailableError(
            f"Kafka does not store the records in topic {topic} now ({others[0]}): {advice(reason)}."
        )
    if errors:
        raise SinkRefusedError(
            f"Kafka refuses a message for its size, though it is within `message_max_bytes`: the topic {topic} allows "
            "less (`max.message.bytes`)."
        )


def advice(name: str) -> str:
    """Return what to do about an error, by its name."""
    return _ADVICE.get(name, f"the client says {name}" if name != "_MSG_TIMED_OUT" else "no acknowledgement in time")
