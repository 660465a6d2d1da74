#!/usr/bin/env python3
"""Writes artifacts/*.json: artifacts that are good, and artifacts that are damaged in every way the format names.

Run without arguments to write them again (the same program zstd gives the same bytes), with --check to compare.
"""

import json
import os
import struct
import sys

sys.dont_write_bytecode = True

from writer import (
    CHUNK, Randomness, base64_text, header, schedule, seal, seal_chunk, sized_zstd_frame, unit, units, zstd_frame,
)  # fmt: skip

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "artifacts")
random = Randomness("holdfast artifact vectors")
DATA_KEY = random.take(32)
REPOSITORY = bytes.fromhex("8f3b6a1e0c5d4f92a7b4d1e6f0938c27")
POINT = bytes.fromhex("01936f2ac4007a31b5c2d4e6f8091a2b")
NUMBER = 1
UNIT_LIMIT = 8 * 1024 * 1024

vectors = {}


def add(name, expect, artifact, plain=None, **changed):
    """One vector. `changed` replaces what the reader is told to expect."""
    vector = {"name": name, "expect": expect, "dataKey": DATA_KEY.hex(), "repository": REPOSITORY.hex()}
    vector |= {"point": POINT.hex(), "number": NUMBER, **changed, "artifact": base64_text(artifact)}
    if expect == "ok":
        vector["plain"] = base64_text(plain)
    vectors[name] = vector


def clear_header(kind=1, compression=0, number=NUMBER, **odd):
    return header(REPOSITORY, POINT, number, kind, compression, **odd)


def sealed(stream, **fields):
    """An artifact that is consistent in itself: key and commitment are derived from the header as it is."""
    return seal(DATA_KEY, clear_header(**fields), random.take(24), stream)


def flipped(artifact, at, bit=0):
    """The artifact with one bit changed; a negative position counts from the end."""
    changed = bytearray(artifact)
    changed[at] ^= 1 << bit
    return bytes(changed)


def text(length):
    """Content that compresses: numbered lines."""
    lines = b"".join(b"%08d the quick brown fox\n" % line for line in range(length // 28 + 1))
    return lines[:length]


def good():
    for length in (0, 1, 16383, 16384, 16385, 32768, 40000):
        plain = random.take(length)
        add(f"plain-{length}", "ok", sealed(plain), plain)
    add("zstd-empty", "ok", sealed(b"", compression=1), b"")
    for name, length, size in (("one-unit", 1, 1), ("several-units", 50000, 20000), ("full-units", 30000, 10000)):
        plain = text(length)
        add(f"zstd-{name}", "ok", sealed(units(plain, size), compression=1), plain)
    noise = random.take(20000)
    add("zstd-units-across-chunks", "ok", sealed(units(noise, 6000), compression=1), noise)
    for kind in (2, 3, 4, 6):
        add(f"kind-{kind}", "ok", sealed(b"kind", kind=kind), b"kind")
    manifest = b'{"format":1}'
    add("manifest", "ok", sealed(units(manifest, 100), kind=5, compression=1, number=0), manifest, number=0)
    add("number-highest", "ok", sealed(b"x", number=999999), b"x", number=999999)


def cut_off():
    whole = sealed(random.take(40000))
    add("cut-to-nothing", "corrupt", b"")
    add("cut-in-magic", "corrupt", whole[:5])
    add("cut-in-header", "corrupt", whole[:55])
    add("cut-after-header", "corrupt", whole[:56])
    add("cut-in-commitment", "corrupt", whole[:111])
    add("cut-before-first-chunk", "corrupt", whole[:112])
    add("cut-in-first-tag", "corrupt", whole[: 112 + 8])
    add("cut-at-chunk-boundary", "corrupt", whole[: 112 + 2 * 16400])
    add("cut-in-chunk", "corrupt", whole[: 112 + 16400 + 700])
    add("cut-by-one-byte", "corrupt", whole[:-1])
    full = sealed(random.take(CHUNK))
    add("cut-before-empty-last-chunk", "corrupt", full[:-16])


def appended():
    whole = sealed(random.take(1000))
    add("byte-after-last-chunk", "corrupt", whole + b"\0")
    add("twice", "corrupt", whole + whole)
    clear, salt = clear_header(), random.take(24)
    key, nonce, commitment = schedule(DATA_KEY, clear, salt)
    start = clear + salt + commitment
    short = seal_chunk(key, nonce, 0, b"first"), seal_chunk(key, nonce, 1, b"second")
    add("two-last-chunks", "corrupt", start + short[0] + short[1])
    empty = seal_chunk(key, nonce, 0, b""), seal_chunk(key, nonce, 1, b"")
    add("two-empty-last-chunks", "corrupt", start + empty[0] + empty[1])
    long = seal_chunk(key, nonce, 0, random.take(CHUNK + 100))
    add("chunk-too-long", "corrupt", start + long)
    small = seal_chunk(key, nonce, 0, random.take(CHUNK - 1)) + seal_chunk(key, nonce, 1, random.take(CHUNK))
    add("short-chunk-in-the-middle", "corrupt", start + small + seal_chunk(key, nonce, 2, b""))
    add("full-last-chunk", "corrupt", start + seal_chunk(key, nonce, 0, random.take(CHUNK)))


def flipped_bits():
    whole = sealed(random.take(20000))
    for name, at in (("magic", 0), ("magic-end", 7), ("header-length", 11), ("repository", 12), ("point", 43), ("number", 47)):
        add(f"flipped-{name}", "corrupt", flipped(whole, at))
    add("flipped-version", "unsupported", flipped(whole, 8, 1))
    add("flipped-suite", "unsupported", flipped(whole, 9, 1))
    add("flipped-kind-to-another", "denied", flipped(whole, 48, 1))
    add("flipped-compression", "denied", flipped(whole, 49))
    add("flipped-reserved", "corrupt", flipped(whole, 55, 7))
    add("flipped-salt", "denied", flipped(whole, 56))
    add("flipped-commitment", "denied", flipped(whole, 111, 7))
    add("flipped-first-chunk", "corrupt", flipped(whole, 112))
    add("flipped-first-tag", "corrupt", flipped(whole, 112 + 16384))
    add("flipped-last-chunk", "corrupt", flipped(whole, 112 + 16400))
    add("flipped-last-tag", "corrupt", flipped(whole, -1, 7))


def moved():
    whole = sealed(random.take(2 * CHUNK + 500))
    first, second, rest = whole[112:16512], whole[16512:32912], whole[32912:]
    add("chunks-swapped", "corrupt", whole[:112] + second + first + rest)
    add("chunk-repeated", "corrupt", whole[:112] + first + first + rest)
    add("chunk-left-out", "corrupt", whole[:112] + first + rest)
    other = sealed(random.take(2 * CHUNK + 500))
    add("chunk-of-another-artifact", "corrupt", whole[:112] + other[112:16512] + second + rest)
    add("another-number", "corrupt", whole, number=2)
    add("another-point", "corrupt", whole, point=random.take(16).hex())
    add("another-repository", "corrupt", whole, repository=random.take(16).hex())
    add("another-data-key", "denied", whole, dataKey=random.take(32).hex())


def odd_headers():
    """Headers that key and commitment agree with, so that only the check of the field can reject them."""
    for name, odd in (
        ("version-0", {"version": 0}), ("version-2", {"version": 2}), ("suite-0", {"suite": 0}), ("suite-2", {"suite": 2}),
        ("kind-0", {"kind": 0}), ("kind-7", {"kind": 7}), ("compression-2", {"compression": 2}), ("compression-255", {"compression": 255}),
    ):  # fmt: skip
        add(name, "unsupported", sealed(b"x", **odd))
    for length in (0, 55, 57, 112):
        add(f"header-length-{length}", "corrupt", sealed(b"x", length=length))
    for at in range(6):
        add(f"reserved-{at}", "corrupt", sealed(b"x", reserved=bytes(at) + b"\1" + bytes(5 - at)))
    # The order of the checks: what an unknown version means is not known, so no other field may be judged.
    add("version-2-header-length-60", "unsupported", sealed(b"x", version=2, length=60))
    add("wrong-magic-version-2", "corrupt", b"\0" + sealed(b"x", version=2)[1:])
    other_key = random.take(32).hex()
    add("reserved-and-another-data-key", "corrupt", sealed(b"x", reserved=b"\0\0\0\0\0\1"), dataKey=other_key)


def damaged_units():
    """Compression units that are authentic, so that only the reader of units can reject them."""
    plain = text(3000)
    frame = sized_zstd_frame(plain)
    whole = unit(frame, 3000)
    frame_cut = unit(frame[:-1], 3000)
    half = zstd_frame(plain[:1500]), zstd_frame(plain[1500:])
    no_size = zstd_frame(plain)
    add("unit-frame-without-content-size", "ok", sealed(unit(no_size, 3000), compression=1), plain)
    for name, stream in (
        ("unit-magic", unit(frame, 3000, magic=b"\x51\x2a\x4d\x18")),
        ("unit-inner-length-9", unit(frame, 3000, inner=9)),
        ("unit-frame-only", frame),
        ("unit-plain-length-0", unit(zstd_frame(b""), 0)),
        ("unit-plain-length-0-without-frame", unit(b"", 0)),
        ("unit-without-frame", unit(b"", 3000)),
        ("unit-frame-gives-less", unit(frame, 3001)),
        ("unit-frame-gives-more", unit(frame, 2999)),
        ("unit-frame-without-size-gives-less", unit(no_size, 3001)),
        ("unit-frame-without-size-gives-more", unit(no_size, 2999)),
        ("unit-frame-damaged", unit(flipped(frame, 0), 3000)),
        ("unit-frame-checksum", unit(flipped(frame, -1), 3000)),
        ("unit-frame-cut", frame_cut),
        ("unit-frame-with-rest", unit(frame + b"\0", 3000)),
        ("unit-two-frames", unit(half[0] + half[1], 3000)),
        ("unit-cut-in-head", whole + whole[:7]),
        ("unit-cut-after-head", whole + whole[:16]),
        ("unit-cut-in-frame", whole + whole[:-3]),
        ("unit-rest-of-one-byte", whole + b"\0"),
        ("unit-rest-of-garbage", whole + random.take(40)),
        ("unit-stored-length-past-end", b"\x50\x2a\x4d\x18" + struct.pack("<III", 8, len(frame) + 1, 3000) + frame),
        ("unit-stored-length-over-limit", b"\x50\x2a\x4d\x18" + struct.pack("<III", 8, 9 * 1024 * 1024 + 1, 3000) + frame),
        ("unit-lengths-big-endian", b"\x50\x2a\x4d\x18" + struct.pack(">III", 8, len(frame), 3000) + frame),
    ):  # fmt: skip
        add(name, "corrupt", sealed(stream, compression=1))
    too_long = sized_zstd_frame(bytes(UNIT_LIMIT + 1))
    add("unit-plain-length-over-limit", "corrupt", sealed(unit(too_long, UNIT_LIMIT + 1), compression=1))
    bomb = zstd_frame(bytes(64 * 1024 * 1024))
    add("unit-bomb", "corrupt", sealed(unit(bomb, 1000), compression=1))


def encoded(vector):
    return json.dumps(vector, indent=2) + "\n"


def main():
    for make in (good, cut_off, appended, flipped_bits, moved, odd_headers, damaged_units):
        make()
    if "--check" in sys.argv:
        return check()
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        os.unlink(os.path.join(FOLDER, name))
    for name, vector in vectors.items():
        with open(os.path.join(FOLDER, f"{name}.json"), "w", encoding="ascii") as file:
            file.write(encoded(vector))
    print(f"{len(vectors)} vectors")
    return 0


def check():
    kept = {name[:-5] for name in os.listdir(FOLDER)}
    different = kept ^ vectors.keys()
    for name in kept & vectors.keys():
        with open(os.path.join(FOLDER, f"{name}.json"), encoding="ascii") as file:
            if file.read() != encoded(vectors[name]):
                different.add(name)
    print(f"different: {', '.join(sorted(different))}" if different else "the same")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
