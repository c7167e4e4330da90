"""Every error this project raises on purpose, drawn as one tree.

ReautoError
|-- InvalidInput              the caller of our API or CLI must change something
|   |-- InvalidPhoneNumber
|   |-- InvalidAgentConfig
|   `-- InvalidSettings
|-- NotFound
|-- Conflict                  the thing exists, or changed since it was read
|-- Refused                   a rule says no: suppression, consent, budget, admission
|-- BadSignature              a webhook or token that does not verify
|-- ProtocolViolation         a peer broke the protocol it speaks with us
|-- StorageUnavailable        PostgreSQL or Redis could not be reached in time
`-- VendorError               a vendor answered with an error (retryable or not)
    |-- TelephonyError
    |-- LanguageModelError
    `-- SpeechError
"""


class ReautoError(Exception):
    """Root of all errors raised on purpose; the message is written for the person who must act."""


class InvalidInput(ReautoError):
    """The input cannot be used as it is."""


class InvalidPhoneNumber(InvalidInput):
    """The text is not an E.164 phone number."""


class InvalidAgentConfig(InvalidInput):
    """An AgentConfig that breaks its schema or names something that does not exist."""


class InvalidSettings(InvalidInput):
    """Settings that are missing, malformed or placeholders; all of them are named at once."""


class NotFound(ReautoError):
    """No such call, contact, config or campaign."""


class Conflict(ReautoError):
    """The thing exists already, or changed since it was read."""


class Refused(ReautoError):
    """A rule forbids the act; the message says which."""


class BadSignature(ReautoError):
    """A webhook signature, API key or stream token that does not verify."""


class ProtocolViolation(ReautoError):
    """A peer sent what its protocol does not allow."""


class StorageUnavailable(ReautoError):
    """A store could not be reached or did not answer in time."""


class VendorError(ReautoError):
    """A vendor or engine failed.

    `retryable` says whether the same request may succeed later; `code` is the vendor's own code.
    """

    def __init__(
        self, message: str, *, retryable: bool = False, code: int | str | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.code = code


class TelephonyError(VendorError):
    """The telephone network refused or failed a request."""


class LanguageModelError(VendorError):
    """The language model refused, failed, stalled or answered nonsense."""


class SpeechError(VendorError):
    """A speech-to-text or text-to-speech engine failed or stalled."""
