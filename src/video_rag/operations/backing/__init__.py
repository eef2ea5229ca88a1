"""Backups: made while everything runs, listed, thinned out, and restored."""
