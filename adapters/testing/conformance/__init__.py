"""The conformance kit: what every engine, format and sink promises, as tests for a plugin's own suite.

    from adapters.testing.conformance import EngineConformance
    class TestMyEngine(EngineConformance):
        case = MY_CASE

Subclass one of the `...Conformance` classes in a test module and give it a case: the plugin, and how to start its far
side on loopback. The tests come along. docs/write-an-adapter.md shows the whole of it.

Needs pytest, pytest-asyncio and hypothesis: `pip install 'openscale-gateway[conformance]'`.
"""

try:
    import hypothesis  # noqa: F401 - only to say early, and in a sentence, that it is missing
    import pytest
    import pytest_asyncio  # noqa: F401
except ImportError as error:
    raise ImportError(
        "The conformance kit needs pytest, pytest-asyncio and hypothesis. "
        "Run: pip install 'openscale-gateway[conformance]'"
    ) from error

# A failed assertion of the kit then shows its values, as those of a test module do.
pytest.register_assert_rewrite(
    *(
        f"{__name__}.{name}"
        for name in (
            "auditable_sinks",
            "cancelling",
            "engines",
            "engine_exchange",
            "engine_fidelity",
            "engine_secrets",
            "engine_setting",
            "formats",
            "http_sinks",
            "sinks",
        )
    )
)

from adapters.testing.conformance.auditable_sinks import AuditableSinkConformance  # noqa: E402
from adapters.testing.conformance.contents import Content  # noqa: E402
from adapters.testing.conformance.engine_case import (  # noqa: E402
    Counterpart,
    EngineCase,
    Failure,
    KnownCall,
    http_failures,
)
from adapters.testing.conformance.engines import EngineConformance  # noqa: E402
from adapters.testing.conformance.format_case import FormatCase, tables  # noqa: E402
from adapters.testing.conformance.formats import FormatConformance  # noqa: E402
from adapters.testing.conformance.http_sinks import HttpSinkConformance  # noqa: E402
from adapters.testing.conformance.sink_bench import HttpSinkBench, LinkFault, SinkBench  # noqa: E402
from adapters.testing.conformance.sinks import SinkConformance  # noqa: E402
from adapters.testing.conformance.transport import gateway_transport  # noqa: E402

__all__ = [
    "AuditableSinkConformance",
    "Content",
    "Counterpart",
    "EngineCase",
    "EngineConformance",
    "Failure",
    "FormatCase",
    "FormatConformance",
    "HttpSinkBench",
    "HttpSinkConformance",
    "KnownCall",
    "LinkFault",
    "SinkBench",
    "SinkConformance",
    "gateway_transport",
    "http_failures",
    "tables",
]
