"""Objects in a bucket by name: the one door to the library that knows S3, Google and Azure.

Each request is tried again for `PATIENCE` seconds while the bucket does not answer; what is said
after that is said in our words (`refusals`). Large files go in parts, and come in ranges, so that
neither needs memory of its size, and a break costs one part. A bucket belongs to one library,
which leaves its id there (`library.id`) before it changes anything: what another one names would
be swept away as nobody's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from video_rag import disk
from video_rag.errors import BadSettings, NeedsExtra, Unavailable, UsageError
from video_rag.once import Once
from video_rag.settings.buckets import BlobsSettings
from video_rag.stores.files import Stored
from video_rag.stores.refusals import is_of_the_bucket, refusal

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PATIENCE = 30.0
"""Seconds that a request goes on being tried while the bucket does not answer."""
_BRIEF = 2.0
_AWAY = 10.0
"""Seconds for which a bucket that did not answer is given `_BRIEF` seconds only: people wait, and
every stage of a pass would wait again."""
PART = 8 * 1024**2
"""Bytes of a part of an upload; S3 wants 5 MiB or more, and 10,000 parts or fewer."""
RANGE = 16 * 1024**2
"""Bytes of a range of a download."""
SIDE_BY_SIDE = 4
"""Parts of an upload that are under way at once."""
AHEAD = 2
"""Ranges that are; more cost computing and bring nothing: see benchmarks/bucket."""
OWNER = "library.id"
_USED_BY: dict[str, int] = {}
"""The process that began to use the library for buckets."""
_MOST_PARTS = 9_000
_LOOKERS = 8
_ONE_BY_ONE = 100
"""Names up to which each is looked up; beyond, a listing is cheaper."""


class Objects:
    """A prefix of a bucket; safe to use from several threads."""

    def __init__(
        self,
        url: str,
        settings: BlobsSettings,
        *,
        owner: Callable[[], str] | None = None,
    ) -> None:
        self.where = url
        self._settings = settings
        self._owner = owner
        self._patient = Once(lambda: self._open(reading="30s", patience=PATIENCE))
        self._brief = Once(lambda: self._open(reading="10s", patience=_BRIEF))
        self._large = Once(lambda: self._open(reading="180s", patience=PATIENCE))  # slow lines
        self._failed = -_AWAY
        self._ours = Once(self._take_possession)

    def place(self, name: str) -> str:
        """The URL of an object."""
        return f"{self.where}/{name}"

    def read(self, name: str) -> bytes | None:
        """The bytes of an object; None when there is none."""
        import obstore

        with self._told():
            try:
                return bytes(obstore.get(self._small, name).bytes())
            except FileNotFoundError as error:
                self._refuse_wrong_bucket(error)
                return None

    def write(self, name: str, data: bytes) -> None:
        """Put an object in place of an earlier one; it is there whole or not at all."""
        self._ours()
        self._put(name, data)

    def upload(self, name: str, path: Path) -> None:
        """Put a file as an object; a large one in parts, and there once all of them are."""
        import obstore

        self._ours()
        with disk.told(path), path.open("rb"):
            size = path.stat().st_size
        with self._told():
            obstore.put(
                self._large(),
                name,
                path,
                use_multipart=size > PART,
                chunk_size=max(PART, size // _MOST_PARTS),
                max_concurrency=SIDE_BY_SIDE,
            )

    def pieces(
        self, name: str, start: int, end: int, most: int = RANGE, side_by_side: int = AHEAD
    ) -> Iterator[memoryview]:
        """The bytes from `start` to before `end`, in order and in pieces; a few are read ahead.

        Raises `FileNotFoundError` when the object is gone.
        """
        import obstore

        store = self._large()

        def read(at: int) -> memoryview:
            with self._told():
                return memoryview(obstore.get_range(store, name, start=at, end=min(at + most, end)))

        starts = iter(range(start, end, most))
        if side_by_side == 1:
            yield from map(read, starts)
            return
        with ThreadPoolExecutor(side_by_side) as pool:
            ahead = [pool.submit(read, at) for at in islice(starts, side_by_side)]
            try:
                while ahead:
                    piece = ahead.pop(0).result()
                    ahead += [
                        pool.submit(read, at) for at in [next(starts, None)] if at is not None
                    ]
                    yield piece
            finally:
                for one in ahead:
                    one.cancel()

    def there(self, names: Collection[str]) -> dict[str, Stored]:
        """Those of the names that are there; of many, by listing."""
        if len(names) > _ONE_BY_ONE:
            wanted = {*names}
            return {name: one for name, one in self.names() if name in wanted}
        with ThreadPoolExecutor(_LOOKERS) as pool:
            found = zip(names, pool.map(self._look, names), strict=True)
            return {name: one for name, one in found if one is not None}

    def names(self, below: str = "") -> Iterator[tuple[str, Stored]]:
        """Every object below a name, in no order."""
        import obstore

        with self._told():
            for page in obstore.list(self._small, below or None, chunk_size=1000):
                for one in page:
                    yield one["path"], Stored(one["size"], one["last_modified"].timestamp())

    def discard(self, names: Iterable[str]) -> None:
        """Delete objects; those that are not there are no error."""
        import obstore

        some = list(names)
        if not some:
            return
        self._ours()
        with self._told():
            for at in range(0, len(some), 1000):
                try:
                    obstore.delete(self._small, some[at : at + 1000])
                except FileNotFoundError as error:
                    self._refuse_wrong_bucket(error)
                    for name in some[at : at + 1000]:  # one that is gone kept the others
                        self._delete(name)

    def check(self) -> None:
        """Write, read, list and delete an object. Raises what keeps us from any of these."""
        probe = f".doctor-{os.getpid()}"
        self.write(probe, b"looked")
        self.read(probe)
        next(self.names(), None)
        self.discard([probe])

    def now(self) -> float:
        """What time it is by the clock of the bucket, to a second."""
        probe = ".looking"
        self.write(probe, b"")
        found = self._look(probe)
        return found.changed if found else 0.0

    @property
    def _small(self) -> ObjectStore:
        """For small requests: once one has waited in vain, the next ones do not for a while."""
        is_away = time.monotonic() - self._failed < _AWAY
        return self._brief() if is_away else self._patient()

    def _look(self, name: str) -> Stored | None:
        import obstore
        from obstore.exceptions import PermissionDeniedError

        with self._told():
            try:
                found = obstore.head(self._small, name)
            except FileNotFoundError as error:
                self._refuse_wrong_bucket(error)
                return None
            except PermissionDeniedError:  # such an answer has no words; the same to a GET has
                obstore.get(self._small, name)
                raise
            return Stored(found["size"], found["last_modified"].timestamp())

    def _put(self, name: str, data: bytes) -> None:
        import obstore

        with self._told():
            obstore.put(self._small, name, data, use_multipart=False)

    def _delete(self, name: str) -> None:
        import obstore

        try:
            obstore.delete(self._small, name)
        except FileNotFoundError as error:
            self._refuse_wrong_bucket(error)

    def _take_possession(self) -> None:
        """Leave the library's id, or refuse a place that another library has."""
        if self._owner is None:
            return
        ours = self._owner()
        if (found := self._said_owner()) is None:
            self._put(OWNER, f"{ours}\n".encode())
            found = self._said_owner()
        if found != ours:
            error = UsageError(
                f"{self.where} belongs to another library ({str(found)[:8]}…)",
                hint="give this one a prefix of its own in the settings; if the other is no more, "
                f"delete {self.place(OWNER)}",
            )
            raise _due_at_once(error)

    def _said_owner(self) -> str | None:
        data = self.read(OWNER)
        return None if data is None else data.decode("utf-8", "replace").strip()

    def _refuse_wrong_bucket(self, error: FileNotFoundError) -> None:
        if is_of_the_bucket(str(error)):
            raise refusal(str(error), self.where) from None

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say the library's errors in our words; theirs quote what was signed, so they end here."""
        from obstore.exceptions import BaseError

        if _USED_BY.setdefault("process", os.getpid()) != os.getpid():
            raise Unavailable(  # its threads stayed with the parent: this would wait for ever
                f"the bucket {self.where} was used before this process was forked",
                hint="start worker processes afresh (spawn), or before anything is read",
            )
        try:
            yield
        except FileNotFoundError as error:
            self._refuse_wrong_bucket(error)
            raise
        except BaseError as error:
            told = refusal(str(error), self.where)
            if type(told) is Unavailable:
                self._failed = time.monotonic()
            raise told from None

    def _open(self, *, reading: str, patience: float) -> ObjectStore:
        """The store behind the URL; no network yet. Raises `BadSettings`, `NeedsExtra`."""
        try:
            from obstore import store
            from obstore.exceptions import BaseError
        except ImportError:
            raise _due_at_once(NeedsExtra("the library for buckets", "bucket")) from None
        parts = urlsplit(self.where)
        kinds = {"s3": store.S3Store, "gs": store.GCSStore, "az": store.AzureStore}
        bucket, prefix = parts.netloc, self.where.partition("://")[2].partition("/")[2]
        made: Any = kinds[parts.scheme]
        try:
            opened: ObjectStore = made(
                bucket,
                prefix=prefix or None,
                config=_config(parts.scheme, bucket, self._settings),
                client_options={
                    "allow_http": True,
                    "connect_timeout": "5s",
                    "read_timeout": reading,
                    "timeout": "1h",
                },
                retry_config={
                    "max_retries": 1000,
                    "retry_timeout": timedelta(seconds=patience),
                    "backoff": {
                        "init_backoff": timedelta(seconds=0.2),
                        "max_backoff": timedelta(seconds=3),
                        "base": 2,
                    },
                },
            )
        except (BaseError, ValueError, TypeError) as error:
            said = str(error).partition("\n")[0].rpartition("error: ")[2]
            refused = BadSettings(
                f"{self.where} cannot be opened: {said}", hint="look at [blobs] in the settings"
            )
            raise _due_at_once(refused) from None
        return opened


def _due_at_once(error: UsageError) -> UsageError:
    """What a person mends; what failed for it is tried again by the next pass."""
    error.retry_after = 0.0
    return error


def _config(scheme: str, bucket: str, settings: BlobsSettings) -> Mapping[str, Any]:
    """What is set, by the library's names; what is not it takes from the environment."""
    secrets = {
        "secret_access_key": settings.secret_access_key,
        "session_token": settings.session_token,
        "account_key": settings.account_key,
    }
    known = {name: one.get_secret_value() for name, one in secrets.items() if one}
    if scheme == "gs":
        return (
            {"service_account": str(settings.service_account)} if settings.service_account else {}
        )
    if scheme == "az":
        known |= {"account_name": settings.account_name, "endpoint": settings.endpoint}
        return _given(known, ("account_name", "account_key", "endpoint"))
    known |= {
        "access_key_id": settings.access_key_id,
        "region": settings.region,
        "endpoint": settings.endpoint,
    }
    found = _given(known, (*known,))
    if settings.endpoint:
        found["disable_bulk_delete"] = True  # Alibaba's and Google's servers have none
        found.setdefault("region", "us-east-1")
    if settings.virtual_hosted_style:
        found["virtual_hosted_style_request"] = True
        if settings.endpoint:
            found["endpoint"] = _hosted(settings.endpoint, bucket)
    return found


def _given(known: Mapping[str, str], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if value and name in names}


def _hosted(endpoint: str, bucket: str) -> str:
    """An endpoint with the bucket before its host, however it was written."""
    scheme, _, host = endpoint.partition("://")
    return endpoint if host.startswith(f"{bucket}.") else f"{scheme}://{bucket}.{host}"
