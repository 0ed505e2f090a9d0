"""A home as one archive, and back: ``layout`` says what belongs to it, ``writing`` makes one, ``restoring`` reads.

    manifest.json   format, version, time, counts, and path, size and SHA-256 of every file
    home/...        the files

It is a zip and not a tar.gz: its directory says what is in it, and how large, before anything is unpacked, so a
manifest can be written last, with hashes taken while files were read once; one damaged file damages no other; models
and Parquet, which are packed already, are stored as they are; and it has no devices, owners or hard links to refuse.

What is in a home is known by its files alone, so nothing here opens the database; it is made again at the first start.
"""

from core.backup.restoring import Restored, restore_home
from core.backup.writing import Written, write_backup

__all__ = ["Restored", "Written", "restore_home", "write_backup"]
