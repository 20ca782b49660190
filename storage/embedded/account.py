"""Which account runs the servers. PostgreSQL refuses root, so root lends its servers to another account."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.errors import CannotStart, DataFolderWrong

_LENDABLE = ("nobody", "postgres", "daemon")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that root runs the servers as."""

    name: str
    uid: int
    gid: int


def choose_account(cluster: Path) -> Account | None:
    """Return the account to run the servers as; None means this process's own.

    A cluster that exists keeps its owner, so that a folder begun without root can go on under it.
    Raises DataFolderWrong, CannotStart.
    """
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise DataFolderWrong(
                f"{cluster} belongs to {_name(owner)}: run as that user or root, or set PARLEY_DATA_DIR to "
                "another folder"
            )
        return None
    if owner:
        return _account(owner)
    for name in _LENDABLE:
        try:
            return _account(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise CannotStart(
        f"PostgreSQL does not run as root and there is no {' or '.join(_LENDABLE)}: run as another user"
    )


def give(folder: Path, account: Account | None) -> None:
    """Give a folder of ours, with all in it, to the account; nothing is done when it has it already."""
    if account is None or folder.stat().st_uid == account.uid:
        return
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(path, name), account.uid, account.gid, follow_symlinks=False)
    # The top last: until then an interrupted run is seen to be unfinished and done again.
    os.chown(folder, account.uid, account.gid)


def closed_folder(path: Path, account: Account) -> Path | None:
    """Return the first folder above `path` that the account may not pass through, by its permission bits."""
    for folder in reversed(path.resolve().parents):
        status = folder.stat()
        if status.st_uid == account.uid:
            allowed = status.st_mode & stat.S_IXUSR
        elif status.st_gid == account.gid:
            allowed = status.st_mode & stat.S_IXGRP
        else:
            allowed = status.st_mode & stat.S_IXOTH
        if not allowed:
            return folder
    return None


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise DataFolderWrong(
            f"the data folder belongs to user {uid}, who does not exist here: give it to one who does"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return f"user {uid}"
