"""A telephone network that speaks Twilio's own protocol."""
