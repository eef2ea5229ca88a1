"""Talking to Dify: its knowledge, chat and console APIs, and the Chatflow file."""
