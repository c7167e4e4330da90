"""TwiML: the documents that tell Twilio what to do with a call."""

from twilio.twiml.voice_response import Connect, VoiceResponse

from service.ports.telephony import StreamInstruction

TOKEN = "token"  # noqa: S105 - the name of a parameter
CALL_ID = "call_id"


def connect_stream(instruction: StreamInstruction) -> str:
    """Connect the caller both ways to our media socket.

    Token and call id travel as <Parameter>, because a query string may break the handshake
    (PROTOCOLS 2). When the socket breaks, Twilio goes on to the <Redirect>; with nothing after
    <Connect> it would end the call.
    """
    response = VoiceResponse()
    connect = Connect()
    stream = connect.stream(
        url=instruction.stream_url,
        status_callback=instruction.status_url,
        status_callback_method="POST",
    )
    stream.parameter(name=TOKEN, value=instruction.token)
    stream.parameter(name=CALL_ID, value=str(instruction.call_id))
    response.append(connect)
    response.redirect(instruction.again_url, method="POST")
    return str(response)


def say_and_hang_up(text: str) -> str:
    """Speak one sentence in the network's own voice and end the call."""
    response = VoiceResponse()
    response.say(text)
    response.hangup()
    return str(response)
