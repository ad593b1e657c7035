"""Whether the core's library is as new as its sources: asked at every load in a checkout, so it imports little."""

from __future__ import annotations

import os


def newest_source(folder: str) -> int:
    """Modification time in ns of the newest file below `folder`; folders count, so that removed files do."""
    newest = os.stat(folder).st_mtime_ns
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.name == "__pycache__":
                        continue
                    folders.append(entry.path)
                newest = max(newest, entry.stat().st_mtime_ns)
    return newest


def is_current(library: str, sources: str) -> bool:
    """Whether the file `library` exists and no file below `sources` is newer."""
    try:
        return os.stat(library).st_mtime_ns >= newest_source(sources)
    except FileNotFoundError:
        return False
