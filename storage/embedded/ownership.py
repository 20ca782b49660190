"""One owner for each data folder: a lock that the kernel releases however its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from storage.embedded.errors import AlreadyRunning, DataFolderWrong


@contextmanager
def owned(lock: Path) -> Iterator[None]:
    """Hold `lock`, or raise AlreadyRunning with the holder's pid. Raises DataFolderWrong if it cannot lock.

    The file stays behind: deleting it would let two processes each lock a file of that name.
    """
    try:
        # Python opens it close-on-exec, so no server that we start inherits the lock.
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except PermissionError:
        raise DataFolderWrong(
            f"{lock} belongs to another user: run as that one, or set PARLEY_DATA_DIR to another folder"
        ) from None
    except OSError as error:
        raise DataFolderWrong(
            f"{lock} cannot be opened ({error.strerror}): remove it and start again"
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _pid(descriptor)
            raise AlreadyRunning(
                f"Parley is already running in {lock.parent}, pid {pid or 'unknown'}: stop that one, or set "
                "PARLEY_DATA_DIR to another folder",
                pid,
            ) from None
        except OSError as error:
            raise DataFolderWrong(
                f"{lock.parent} is on a disk that cannot lock files ({error.strerror}): set PARLEY_DATA_DIR "
                "to a folder on a local disk"
            ) from None
        # The pid is only for people; a full disk must not keep us from starting.
        _write_pid(descriptor)
        yield
    finally:
        os.close(descriptor)


def _pid(descriptor: int) -> int | None:
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else None


def _write_pid(descriptor: int) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError:
        return
