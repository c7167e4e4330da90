"""How a call ended, in the words of the business."""

from enum import StrEnum


class Outcome(StrEnum):
    """The one result of a call."""

    QUALIFIED = "qualified"
    NOT_QUALIFIED = "not_qualified"
    CALLBACK_REQUESTED = "callback_requested"
    NOT_INTERESTED = "not_interested"
    DO_NOT_CALL = "do_not_call"
    WRONG_NUMBER = "wrong_number"
    TRANSFERRED = "transferred"
    NO_RESPONSE = "no_response"
    VOICEMAIL = "voicemail"
    ABANDONED = "abandoned"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CANCELED = "canceled"
    FAILED = "failed"
