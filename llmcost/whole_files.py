"""Files that are written whole or not at all, and that last once they are written.

The content goes to a temporary file beside the target, which is synced and renamed; then the folder is synced. What is
killed before that leaves the target as it was, and a temporary file, which `clear_away` knows for what it is: its
writer held a lock on it, and a lock goes with its process.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}(\.tmp)?")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a disk, a quota or a limit of this process
IN_PLACE = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EBUSY,
)  # a folder that may not be changed, though the file may
NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)  # a disk that has none, a folder that may not be listed


def write_result(target: Path, content: bytes) -> None:
    """Writes a file that a user named. It keeps its mode; a device or a pipe is written to as it is. Raises OSError."""
    target = target.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
    try:
        write_whole(target, content, 0o666 if mode is None else mode)
        if mode is not None:
            target.chmod(mode)  # the umask took some of it
    except OSError as error:
        if error.errno not in IN_PLACE or mode is None:
            raise
        target.write_bytes(content)


def write_whole(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Writes the file; a new one gets this mode, less the umask. Raises OSError, and has changed nothing then."""
    with writing(file, mode) as stream:
        stream.write(content)


@contextmanager
def writing(file: Path, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """A stream to what becomes the file when the block ends; as `write_whole` for what is too large to be held."""
    descriptor, temporary = _held_temporary(file, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(file.parent)


def clear_away(folder: Path) -> None:
    """Removes the temporary files that processes which are no more have left in a folder."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        for file in [file for file in folder.iterdir() if TEMPORARY.fullmatch(file.name)]:
            with suppress(OSError):
                _remove_left(file)


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Makes a folder, and those that it is in, and makes that last."""
    if folder.is_dir():
        return
    make_folder(folder.parent, mode)
    folder.mkdir(mode=mode, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder last: what was made, renamed or removed there."""
    if os.name != "posix":  # elsewhere a folder cannot be opened, and a rename lasts by itself
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise


def _held_temporary(file: Path, mode: int) -> tuple[int, Path]:
    """An open file beside this one, locked, so that nobody takes it for what a killed process has left."""
    while True:
        temporary = file.with_name(f".{file.name[:200]}.{os.urandom(4).hex()}.tmp")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
        if _lock(descriptor) is not False and os.fstat(descriptor).st_nlink:
            return descriptor, temporary
        os.close(descriptor)  # another process cleared it away before it was locked


if sys.platform == "win32":

    def _lock(descriptor: int) -> bool | None:
        return None

    def _remove_left(file: Path) -> None:
        file.unlink()  # which fails there as long as somebody writes it

else:
    import fcntl

    def _lock(descriptor: int) -> bool | None:
        """Whether this process has the file now, until it ends; None: on this disk nobody can know."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
        return True

    def _remove_left(file: Path) -> None:
        descriptor = os.open(file, os.O_RDWR)
        try:
            if _lock(descriptor):
                file.unlink()
        finally:
            os.close(descriptor)
