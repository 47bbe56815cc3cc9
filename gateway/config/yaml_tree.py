"""YAML text into plain values, with the position of each of them."""

import re
from typing import Any

import yaml
from msgspec import Struct
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from gateway.config.findings import Finding, Mark, Place
from gateway.config.scalars import Scalar, read_scalar

MOST_NODES = 100_000
"""Aliases let a short file stand for a huge one."""

_PLAIN = "plain"
_TEXT = "tag:yaml.org,2002:str"
_CORE_TYPES: dict[str, tuple[type, ...]] = {
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (int, float),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:null": (type(None),),
}
_COLLECTION_TAGS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_HARMLESS_QUOTE = re.compile(r"""('(?:<[a-z ]+>|[^\w\s]|\\t)'|"'")""")
_QUOTE = re.compile("[\"']")
_MERGE = "<<"


class Document(Struct, frozen=True):
    """A parsed file.

    Attributes:
        value: dicts with text keys, lists, scalars.
        marks: where each place stands: a key for an entry of a mapping, the element itself in a list.
        findings: what is no YAML, or no JSON value; syntax errors leave an empty `value`.
        readable: the syntax is right.
    """

    value: Any
    marks: dict[Place, Mark]
    findings: list[Finding]
    readable: bool = True


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to the node graph; scalars without tag and quotes are left to `read_scalar`."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        if kind is ScalarNode and implicit[0]:
            return _PLAIN
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call] # so in its stubs
        return tag


def parse_yaml(content: bytes) -> Document:
    """Read one YAML document; an empty one is an empty mapping."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unreadable("The file is not UTF-8.", _mark_at(content[: error.start].decode("utf-8", "replace")))
    return _parse_text(text)


def _parse_text(text: str) -> Document:
    try:
        return _built(_Loader(text).get_single_node())
    except ReaderError as error:
        return _unreadable("A control character can't stand in YAML.", _mark_at(text[: error.position]))
    except yaml.MarkedYAMLError as error:
        return _unreadable(_syntax(error), _mark(error.problem_mark or error.context_mark))
    except (ValueError, OverflowError):
        # PyYAML takes `"\UFFFFFFFF"` for a character and fails on it without a position.
        return _unreadable("An escape in a quoted text stands for no character.", None)
    except RecursionError:
        return _unreadable("The file is nested too deeply.", None)


def _built(root: Node | None) -> Document:
    if root is None:
        return Document({}, {}, [])
    builder = _Builder()
    value = builder.build(root, ())
    return Document(value, builder.marks, builder.findings)


def _unreadable(sentence: str, mark: Mark | None) -> Document:
    return Document({}, {}, [Finding((), sentence, mark)], readable=False)


def _mark(mark: yaml.Mark | None) -> Mark | None:
    return None if mark is None else Mark(mark.line + 1, mark.column + 1)


def _mark_at(text_before: str) -> Mark:
    return Mark(text_before.count("\n") + 1, len(text_before) - text_before.rfind("\n"))


def _syntax(error: yaml.MarkedYAMLError) -> str:
    """Say what PyYAML says, up to where it quotes a word of the file: that may be a secret."""
    said = ", ".join(part for part in (error.context, error.problem) if part)
    text = ""
    for piece in _HARMLESS_QUOTE.split(said):
        if _HARMLESS_QUOTE.fullmatch(piece):
            text += piece
            continue
        before, *quoted = _QUOTE.split(piece, maxsplit=1)
        text += before
        if quoted:
            break
    return f"The YAML can't be read: {text.strip()}."


class _RefusedError(Exception):
    """The node stands for no value; the message says why."""


class _Builder:
    def __init__(self) -> None:
        self.marks: dict[Place, Mark] = {}
        self.findings: list[Finding] = []
        self._open: set[int] = set()
        self._nodes = 0

    def build(self, node: Node, place: Place) -> Any:
        try:
            self._check(node)
            if isinstance(node, ScalarNode):
                return _scalar(node)
        except _RefusedError as refusal:
            self._refuse(node, place, refusal)
            return None
        self._open.add(id(node))
        value = self._mapping(node, place) if isinstance(node, MappingNode) else self._sequence(node, place)
        self._open.discard(id(node))
        return value

    def _check(self, node: Node) -> None:
        self._nodes += 1
        if id(node) in self._open:
            raise _RefusedError("The alias stands within what it stands for.")
        if self._nodes > MOST_NODES:
            raise _RefusedError(f"With its aliases, the file makes more than {MOST_NODES} values.")
        if not isinstance(node, ScalarNode) and node.tag not in _COLLECTION_TAGS:
            raise _RefusedError("This tag is not supported: leave it out.")

    def _sequence(self, node: Node, place: Place) -> list[Any]:
        value = []
        for n, element in enumerate(node.value):
            self.marks[(*place, n)] = _position(element)
            value.append(self.build(element, (*place, n)))
        return value

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, Any]:
        value = {}
        for name, (key, content) in self._entries(node, place).items():
            self.marks[(*place, name)] = _position(key)
            value[name] = self.build(content, (*place, name))
        return value

    def _entries(self, node: MappingNode, place: Place) -> dict[str, tuple[Node, Node]]:
        """Return the entries by the text of their keys; what is merged stands behind what is there."""
        own: dict[str, tuple[Node, Node]] = {}
        merges: dict[str, tuple[Node, Node]] = {}
        for key, content in node.value:
            try:
                name = _key(key)
                target = merges if _is_merge(key) else own
                if name in target:
                    self._refuse(key, (*place, name), _RefusedError("The key is given twice: keep one of them."))
                target.setdefault(name, (key, content))
            except _RefusedError as refusal:
                self._refuse(key, place, refusal)
        for _, content in merges.values():
            for source in content.value if isinstance(content, SequenceNode) else [content]:
                own = {**self._merged(source, place), **own}
        return own

    def _merged(self, source: Node, place: Place) -> dict[str, tuple[Node, Node]]:
        try:
            self._check(source)
            if not isinstance(source, MappingNode):
                raise _RefusedError("Only mappings can be merged (`<<`).")
        except _RefusedError as refusal:
            self._refuse(source, place, refusal)
            return {}
        self._open.add(id(source))
        entries = self._entries(source, place)
        self._open.discard(id(source))
        return entries

    def _refuse(self, node: Node, place: Place, refusal: _RefusedError) -> None:
        finding = Finding(place, str(refusal), _position(node))
        if finding not in self.findings:
            self.findings.append(finding)


def _scalar(node: ScalarNode) -> Scalar:
    text = _text(node)
    if node.tag == _TEXT:
        return text
    if node.tag != _PLAIN and node.tag not in _CORE_TYPES:
        raise _RefusedError("This tag is not supported: leave it out.")
    try:
        value = read_scalar(text)
    except ValueError as error:
        raise _RefusedError(f"Here {error}.") from None
    if node.tag != _PLAIN and type(value) not in _CORE_TYPES[node.tag]:
        raise _RefusedError("The value is not of the type that its tag says.")
    return value


def _key(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise _RefusedError("A key has to be text.")
    if "${" in node.value:
        raise _RefusedError("References (`${...}`) are not replaced in keys: write the key itself.")
    return _text(node)


def _text(node: ScalarNode) -> str:
    try:
        # JSON writes a character beyond U+FFFF as two escapes.
        return str(node.value).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise _RefusedError("Half of a surrogate pair is no character.") from None


def _position(node: Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _is_merge(key: Node) -> bool:
    return key.tag == _PLAIN and key.value == _MERGE
