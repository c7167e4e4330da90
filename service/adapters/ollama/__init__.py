"""Ollama, through its official client."""
