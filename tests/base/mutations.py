"""Damaged copies of the small bundle, and what becomes of a program that opens them.

    python -m tests.base.mutations FROM TO

tries the mutations with these numbers and shows those that end neither in a reply nor in a clean
error. The number alone decides what is damaged, so that any of them can be looked at again.
"""

import faulthandler
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from chatbot import Beam, ChatBot, ChatbotError, Greedy, Reply, Sample
from chatbot.cli import cli

TINY = Path(__file__).parents[1] / "data" / "tiny_bundle"
MANIFEST, GOLDEN = "manifest.json", "golden.jsonl"
FILES = (MANIFEST, "vocabulary.json", "normalisation.json", GOLDEN, "text.onnx", "ids.onnx")
FREQUENCIES = (3, 2, 1, 2, 6, 3)
"""How often each of the files is the one that is damaged."""

SECONDS = 20
MEMORY = 4 << 30

CLEAN = ("reply", "error")
"""How a program may end; else it ends by another exception, a crash, or not in time."""

ODD_VALUES = (
    *(None, True, False, -1, 0, 1, 2, 65, 2.5, 1e308, float("nan"), float("inf"), 10**30),
    *("", "x", "x" * 1000, "\ud800", "\x1e", "\x00", "<unk>", "sample", [], {}, [[]], [0], {"": 0}),
)
ODD_NUMBERS = (
    *(0, 1, 2, 3, 5, 7, 8, 9, 10, 11, 16, 22, 64, 127, 1000, 65536, 10**9),
    *(2**31 - 1, 2**31, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1),
)
TEXTS = ("你好 iPhone 9？", "我很\x1e难过\ud800" * 9, "")


@dataclass(frozen=True)
class Outcome:
    """Hold what was damaged, how the program ended, and what it said."""

    number: int
    damage: str
    end: str
    message: str


def attempts(start: int, stop: int) -> Iterator[Outcome]:
    """Try the mutations in a process of their own; where one takes it down, go on in the next."""
    quiet = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # each would take of the memory
    while start < stop:
        command = [sys.executable, "-P", "-X", "utf8", __file__, "--inside", str(start), str(stop)]
        with (
            tempfile.TemporaryFile() as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=quiet) as process,
        ):
            damaged = "nothing yet"
            for line in process.stdout:
                said = json.loads(line)
                damaged = said["damage"]
                if "end" in said:
                    yield Outcome(**said)
                    start = said["number"] + 1
            code = process.wait()
            if code:
                errors.seek(0)
                yield Outcome(start, damaged, _name(code), errors.read()[-3000:].decode("latin-1"))
                start += 1


def _name(code: int) -> str:
    if code == -signal.SIGALRM:
        return "timeout"
    return f"crash by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"


def damage(folder: Path, number: int) -> str:
    """Damage the bundle in `folder` in the way of this number; say how."""
    chance = random.Random(number)
    [name] = chance.choices(FILES, FREQUENCIES)
    names, path = [name], folder / name
    if chance.random() < 0.1:
        how = "exchange"
        names.append(chance.choice([other for other in FILES if other != name]))
        contents = [(folder / one).read_bytes() for one in names]
        for one, data in zip(names, reversed(contents), strict=True):
            (folder / one).write_bytes(data)
    else:
        well_formed = odd_field if name.endswith(".onnx") else odd_value
        kind = chance.choice((flip, truncate, grow, swap, *[well_formed] * 5))
        how = kind.__name__
        path.write_bytes(kind(path.read_bytes(), chance))
    repaired = MANIFEST not in names and chance.random() < 0.8
    if repaired:
        repair(folder, names)
    return f"{how} {' '.join(names)}{', repaired' * repaired}"


def flip(data: bytes, chance: random.Random) -> bytes:
    """Change some bytes."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        odd = chance.choice((0, 1, 0x7F, 0xFF, chance.getrandbits(8)))
        changed[chance.randrange(len(data))] = odd
    return bytes(changed)


def truncate(data: bytes, chance: random.Random) -> bytes:
    """Take away the end."""
    return data[: chance.randrange(len(data))]


def grow(data: bytes, chance: random.Random) -> bytes:
    """Put in what does not belong there, or what stands elsewhere too."""
    place = chance.choice((len(data), chance.randrange(len(data))))
    start = chance.randrange(len(data))
    size = chance.choice((1, 2, 20, 2000))
    more = chance.choice((chance.randbytes(size), data[start : start + size]))
    return data[:place] + more + data[place:]


def swap(data: bytes, chance: random.Random) -> bytes:
    """Exchange two blocks."""
    size = chance.choice((1, 4, 64, len(data) // 4))
    one, two = sorted(chance.sample(range(len(data) // size), 2))
    first, second = (slice(place * size, (place + 1) * size) for place in (one, two))
    changed = bytearray(data)
    changed[first], changed[second] = data[second], data[first]
    return bytes(changed)


def odd_value(data: bytes, chance: random.Random) -> bytes:
    """Put an odd value in the place of another, or take one out; it stays JSON."""
    lines = data.splitlines()
    line = chance.randrange(len(lines))
    values = json.loads(lines[line])
    holder, key = chance.choice(list(_places(values)))
    if chance.random() < 0.2:
        del holder[key]
    else:
        holder[key] = chance.choice(ODD_VALUES)
    lines[line] = json.dumps(values).encode()
    return b"\n".join(lines)


def _places(values: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a JSON value: what holds it, and under which name or number."""
    if isinstance(values, dict | list):
        for key in values if isinstance(values, dict) else range(len(values)):
            yield values, key
            yield from _places(values[key])


Field = tuple[int, int, "int | bytes | list[Field]"]
"""The number of a protobuf field, its kind on the wire, and what it holds."""

VARINT, EIGHT_BYTES, SIZED, FOUR_BYTES = 0, 1, 2, 5


def odd_field(data: bytes, chance: random.Random) -> bytes:
    """Change a field of a graph, take it out, repeat or exchange it; it stays a protobuf."""
    fields = _fields(data)
    places = list(_field_places(fields))
    holder, place = chance.choice(places)
    number, wire, value = holder[place]
    match chance.randrange(8):
        case 0:
            del holder[place]
        case 1:
            holder.insert(chance.randrange(len(holder)), holder[place])
        case 2:
            other = chance.randrange(len(holder))
            holder[place], holder[other] = holder[other], holder[place]
        case 3:
            alike = [held[at][2] for held, at in places if held[at][1] == wire]
            held = chance.choice(alike)  # maybe what holds this field: hence flat
            holder[place] = (number, wire, _written(held) if isinstance(held, list) else held)
        case _ if isinstance(value, int):
            holder[place] = (number, wire, chance.choice(ODD_NUMBERS))
        case _:
            flat = value if isinstance(value, bytes) else _written(value)
            kind = chance.choice((flip, truncate, grow)) if wire == SIZED else flip
            holder[place] = (number, wire, kind(flat or b"\0", chance))
    return _written(fields)


def _fields(data: bytes) -> list[Field]:
    """Read a protobuf as far down as it looks like one; `ValueError` where it does not."""
    fields: list[Field] = []
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, wire = key >> 3, key & 7
        if not number or wire not in (VARINT, EIGHT_BYTES, SIZED, FOUR_BYTES):
            raise ValueError("no field")
        if wire == VARINT:
            value, place = _varint(data, place)
            fields.append((number, wire, value))
            continue
        size = 8 if wire == EIGHT_BYTES else 4
        if wire == SIZED:
            size, place = _varint(data, place)
        held = data[place : place + size]
        place += size
        if place > len(data):
            raise ValueError("no end")
        try:
            fields.append((number, wire, _fields(held) if wire == SIZED else held))
        except ValueError:
            fields.append((number, wire, held))
    return fields


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number that begins at `place`, and where it ends."""
    value = shift = 0
    while place < len(data):
        value |= (data[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if data[place - 1] < 0x80:
            return value, place
    raise ValueError("no end")


def _field_places(fields: list[Field]) -> Iterator[tuple[list[Field], int]]:
    for place, (_, _, value) in enumerate(fields):
        yield fields, place
        if isinstance(value, list):
            yield from _field_places(value)


def _written(fields: list[Field]) -> bytes:
    parts = []
    for number, wire, value in fields:
        parts.append(_written_number(number << 3 | wire))
        if isinstance(value, int):
            parts.append(_written_number(value))
            continue
        held = value if isinstance(value, bytes) else _written(value)
        parts.extend([_written_number(len(held)), held] if wire == SIZED else [held])
    return b"".join(parts)


def _written_number(value: int) -> bytes:
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def repair(folder: Path, names: list[str]) -> None:
    """Make the sizes and checksums in the manifest right again."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    for name in names:
        data = (folder / name).read_bytes()
        checksum = hashlib.sha256(data).hexdigest()
        manifest["files"][name] = {"bytes": len(data), "sha256": checksum}
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


def use(folder: Path) -> tuple[str, str]:
    """Do with a bundle all that can be done with one; return how that ended, and the errors."""
    ways: list[Callable[[ChatBot], object]] = [
        lambda bot: [_check(bot.reply(text)) for text in TEXTS],
        lambda bot: [_check(one) for one in bot.candidates(TEXTS[0], Beam(width=3))],
        lambda bot: [_check(one) for one in bot.candidates(TEXTS[0], Sample(seed=1, samples=2))],
        lambda bot: [_check(one) for one in bot.replies(TEXTS, Greedy(max_length=9))],
        lambda bot: "".join(bot.stream(TEXTS[0], Greedy())),
        lambda bot: "".join(bot.verify()),
        lambda bot: cli.main(["inspect", str(folder)], standalone_mode=False),
    ]
    errors = []
    try:
        bot = ChatBot.load(folder, threads=1)
        for way in ways:
            try:
                way(bot)
            except ChatbotError as error:
                errors.append(f"{type(error).__name__}: {error}")
    except ChatbotError as error:
        errors.append(f"{type(error).__name__}: {error}")
    except Exception as error:
        return f"raised {type(error).__name__}", f"{error!r} at {_where(error)}"
    return "error" if errors else "reply", "\n".join(errors)


def _check(reply: Reply) -> None:
    texts = (reply.text, *reply.tokens, *reply.source)
    if not all(isinstance(text, str) for text in texts) or not isinstance(reply.score, float):
        raise TypeError(f"what came is no reply: {reply}")


def _where(error: Exception) -> str:
    trace, places = error.__traceback__, []
    while trace:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join(places)


def _inside(start: int, stop: int) -> None:
    """Try mutations in this process, which they may take down; say of each that it begins."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    faulthandler.register(signal.SIGALRM, chain=True)  # to say where, and then to die of it
    report = sys.stdout

    def say(**said: object) -> None:
        report.write(json.dumps(said) + "\n")
        report.flush()

    with (
        tempfile.TemporaryDirectory() as scratch,
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
    ):
        sound = Path(shutil.copytree(TINY, Path(scratch) / "sound"))
        lines = (sound / GOLDEN).read_bytes().splitlines(keepends=True)
        (sound / GOLDEN).write_bytes(b"".join(lines[:: len(lines) // 4]))  # some will do
        repair(sound, [GOLDEN])
        for number in range(start, stop):
            folder = Path(shutil.copytree(sound, Path(scratch) / "damaged"))
            damaged = damage(folder, number)
            say(number=number, damage=damaged)
            signal.alarm(SECONDS)
            end, message = use(folder)
            signal.alarm(0)
            say(number=number, damage=damaged, end=end, message=message)
            shutil.rmtree(folder)


def main(start: int, stop: int) -> None:
    """Count how the mutations end; show those that do not end well."""
    os.nice(19)
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in attempts(start, stop):
        counts[outcome.damage, outcome.end] += 1
        if outcome.end not in CLEAN:
            click.echo(f"{outcome.number}: {outcome.damage}: {outcome.end}\n{outcome.message}\n")
    for (damaged, end), count in sorted(counts.items()):
        click.echo(f"{count:6}  {damaged}: {end}")
    for end in sorted({end for _, end in counts}):
        click.echo(f"{sum(n for (_, e), n in counts.items() if e == end):6}  {end}")


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        _inside(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main(int(sys.argv[1]), int(sys.argv[2]))
