"""The steps from one schema of `library.db` to the next; see CONTRIBUTING on adding one.

A step is a file `v<number>_<what>.py` with `revision = "<number>"` and `upgrade()`. It imports
neither `tables` nor anything else of ours that may change: it does for ever what it did at first.
"""
