from hypothesis import strategies as st
from openscale_gateway_lantern.keyvalue import KeyValueSettings, plugin

from adapters.base import Body
from adapters.testing.conformance import FormatCase, FormatConformance, tables
from schemas.table import Table

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)


class TestKeyValue(FormatConformance):
    case = FormatCase(plugin=plugin, tables=tables(SCALARS), refused=([1], {"a": 1}, "\ud800"))


def test_the_handbooks_example_is_written_and_read() -> None:
    codec = plugin.build(KeyValueSettings())
    assert codec.encode(Table(["Age", "Job"], [[33, "clerk"]])).content == b"Age=33;Job=%22clerk%22\n"
    answer = Body(b"label=%22No%20Risk%22;p=0.25\n", "text/x-keyvalue")
    assert codec.decode(answer, 1) == Table(("label", "p"), [["No Risk", 0.25]])
