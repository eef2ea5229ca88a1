"""A Dify for tests: a real HTTP server that behaves as Dify 1.16.1 was measured to, bad sides too.

    from video_rag.testing.dify import DifyServer, Faults

    with DifyServer(index_seconds=0.05) as dify:
        client = Client(dify.base_url, api_key=dify.dataset_key)
        ...
        dify.faults = Faults(rate=0.1, kinds=("500", "reset", "after"), seed=1)
        dify.worker_alive = False          # documents wait for ever
        dify.edit_segment("talk.md", 2, "A person corrected this.")
        assert len(dify.writes()) == 3

Everything is kept in memory for as long as the object lives. `python -m video_rag.testing.dify`
runs one by itself. Economy datasets need jieba: `pip install 'video-rag[testing]'`.
"""

from video_rag.testing.dify.faults import Faults
from video_rag.testing.dify.server import DifyServer
from video_rag.testing.dify.switches import Limits

__all__ = ["DifyServer", "Faults", "Limits"]
