"""Files on disk as members of bytes: packed, archived, or plain."""
