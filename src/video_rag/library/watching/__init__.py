"""Subscriptions: when a list is looked at, what in it is new, what comes of that."""
