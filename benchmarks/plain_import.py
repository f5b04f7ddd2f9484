"""Import `.conv` files of a zip in the plainest way: read, jieba.lcut each turn, executemany.

It neither cleans nor filters nor finds duplicates, and cannot go on after a stop.

python -m benchmarks.plain_import ZIP STORE
"""

import sqlite3
import sys
import zipfile

import jieba

pairs = []
with zipfile.ZipFile(sys.argv[1]) as archive:
    for name in archive.namelist():
        previous = None
        for line in archive.read(name).decode("utf-8").splitlines():
            if line.startswith("E"):
                previous = None
            elif line.startswith("M "):
                text = line[2:].strip()
                turn = (text, " ".join(jieba.lcut(text)))
                if previous:
                    pairs.append((*previous, *turn))
                previous = turn

with sqlite3.connect(sys.argv[2]) as connection:
    connection.execute(
        "CREATE TABLE pairs (prompt TEXT, prompt_words TEXT, reply TEXT, reply_words TEXT)"
    )
    connection.executemany("INSERT INTO pairs VALUES (?, ?, ?, ?)", pairs)
