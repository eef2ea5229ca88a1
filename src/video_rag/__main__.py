"""`python -m video_rag` is `video-rag`."""

from __future__ import annotations

import sys

from video_rag.cli import main

if __name__ == "__main__":
    sys.exit(main())
