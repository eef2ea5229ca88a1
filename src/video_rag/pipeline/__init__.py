"""Stages, when they are stale, and the engine that runs them."""
