"""Reads TwiML documents into the verbs that the network follows."""

from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

MAX_DOCUMENT_BYTES = 64_000
MAX_PARAMETER_CHARS = 500


class InvalidTwiml(Exception):
    """A document that Twilio would refuse; `code` is Twilio's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class ConnectStream:
    """<Connect><Stream>: a bidirectional stream; `action` is asked for what comes after."""

    url: str
    name: str = ""
    status_url: str | None = None
    status_method: str = "POST"
    parameters: dict[str, str] = field(default_factory=dict)
    action: str | None = None
    action_method: str = "POST"


@dataclass(frozen=True)
class Say:
    """<Say>: words that the network itself speaks."""

    text: str


@dataclass(frozen=True)
class Pause:
    """<Pause>: seconds of silence."""

    seconds: float


@dataclass(frozen=True)
class Redirect:
    """<Redirect>: go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True)
class Hangup:
    """<Hangup>: end the call."""


Verb = ConnectStream | Say | Pause | Redirect | Hangup


def parse_twiml(body: bytes, *, content_type: str) -> list[Verb]:
    """Return the document's verbs in order.

    Raises InvalidTwiml with 11750 (over 64 kB), 12300 (content type is not XML), 12100 (not well
    formed) or 12200 (not a document that this network understands).
    """
    if len(body) > MAX_DOCUMENT_BYTES:
        raise InvalidTwiml(11750, f"the document has {len(body)} bytes, at most 64 kB are allowed")
    if content_type.partition(";")[0].strip().lower() not in {"text/xml", "application/xml"}:
        raise InvalidTwiml(12300, f"content type {content_type!r} is not XML")
    try:
        root = ET.fromstring(body)  # noqa: S314  (documents come from the service under test)
    except ET.ParseError as error:
        raise InvalidTwiml(12100, f"not well-formed XML: {error}") from error
    if root.tag != "Response":
        raise InvalidTwiml(12100, f"the root element is {root.tag}, not Response")
    return [_verb(element) for element in root]


def _verb(element: ET.Element) -> Verb:
    if element.tag == "Connect":
        return _connect(element)
    if element.tag == "Say":
        return Say(_text(element))
    if element.tag == "Pause":
        return Pause(float(element.get("length", "1")))
    if element.tag == "Redirect":
        return Redirect(_text(element), _method(element, "method"))
    if element.tag == "Hangup":
        return Hangup()
    raise InvalidTwiml(12200, f"the verb {element.tag} is not understood")


def _connect(connect: ET.Element) -> ConnectStream:
    stream = connect.find("Stream")
    if stream is None or len(connect) != 1:
        raise InvalidTwiml(12200, "Connect holds exactly one Stream")
    if stream.get("track", "inbound_track") != "inbound_track":
        raise InvalidTwiml(31941, "a bidirectional stream carries the inbound track only")
    return ConnectStream(
        url=stream.get("url", ""),
        name=stream.get("name", ""),
        status_url=stream.get("statusCallback"),
        status_method=_method(stream, "statusCallbackMethod"),
        parameters=dict(_parameter(element) for element in stream),
        action=connect.get("action"),
        action_method=_method(connect, "method"),
    )


def _parameter(element: ET.Element) -> tuple[str, str]:
    name, value = element.get("name"), element.get("value")
    if element.tag != "Parameter" or not name or value is None:
        raise InvalidTwiml(12200, "a Stream holds Parameter elements with name and value")
    if len(name) + len(value) >= MAX_PARAMETER_CHARS:
        raise InvalidTwiml(12200, f"the Parameter {name} has 500 characters or more")
    return name, value


def _method(element: ET.Element, attribute: str) -> str:
    return element.get(attribute, "POST").upper()


def _text(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())
