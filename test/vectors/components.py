"""The content of components as docs/reference/format.md has it: an archive of files with its list, and rows in lanes."""

import hashlib
import json
import struct

# --------------------------------------------------------------------------- files

TYPES = {"file": b"0", "link": b"1", "symlink": b"2", "directory": b"5"}
SECOND = 10**9


def percent_encoded(name):
    return "".join(chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}" for byte in name)


def octal(value, length):
    return f"{value:0{length - 1}o}\0".encode()


def fitting(account):
    """What a reader that knows no records gives a file to whose number does not fit: nobody, and not root."""
    return account if account <= 0o7777777 else 65534


def block(name, kind, mode=0o644, uid=0, gid=0, size=0, seconds=0, link=b"", user=b"", group=b""):
    """One ustar header. What does not fit is in records before it."""
    head = name[:99].ljust(100, b"\0") + octal(mode, 8) + octal(fitting(uid), 8) + octal(fitting(gid), 8)
    head += octal(size, 12) + octal(max(seconds, 0), 12) + b" " * 8 + kind + link[:99].ljust(100, b"\0")
    head += b"ustar\00000" + user[:31].ljust(32, b"\0") + group[:31].ljust(32, b"\0") + octal(0, 8) + octal(0, 8)
    head = head.ljust(512, b"\0")
    return head[:148] + f"{sum(head):06o}\0 ".encode() + head[156:]


def padded(data):
    return data + bytes(-len(data) % 512)


def record(key, value):
    length = len(key) + len(value) + 3
    while len(str(length)) + len(key) + len(value) + 3 != length:
        length = len(str(length)) + len(key) + len(value) + 3
    return f"{length} {key}=".encode() + value + b"\n"


def member(entry, content=b"", version=1):
    """An entry of the archive, with the records that docs/reference/format.md asks for."""
    name = entry["path"] if entry["type"] != "directory" else (b"./" if entry["path"] == b"." else entry["path"] + b"/")
    link, seconds = entry.get("target", b""), entry["mtime"] // SECOND
    user, group = entry.get("user", "").encode(), entry.get("group", "").encode()
    records = b"" if version == 1 else record("comment", f"version {version}".encode())
    for key, value, most in (("path", name, 99), ("linkpath", link, 99), ("uname", user, 31), ("gname", group, 31)):
        if len(value) > most or not value.isascii():
            records += record(key, value)
    for key in ("uid", "gid"):
        records += record(key, str(entry[key]).encode()) if entry[key] > 0o7777777 else b""
    if entry["mtime"] != seconds * SECOND or seconds < 0:
        sign, nanoseconds = ("-" if entry["mtime"] < 0 else ""), abs(entry["mtime"])
        records += record("mtime", f"{sign}{nanoseconds // SECOND}.{nanoseconds % SECOND:09d}".encode())
    head = block(name, TYPES[entry["type"]], entry["mode"], entry["uid"], entry["gid"], len(content), seconds, link, user, group)
    extended = block(b"PaxHeaders/x", b"x", size=len(records)) + padded(records) if records else b""
    return extended + head + padded(content)


def entry_line(entry, content):
    """One line of the list: names percent-encoded, times in nanoseconds as text."""
    line = {**entry, "path": percent_encoded(entry["path"]), "mtime": str(entry["mtime"])}
    if entry["type"] == "file":
        line |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if "target" in entry:
        line["target"] = percent_encoded(entry["target"])
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def some(kind, path, mode=0o644, **more):
    return {"type": kind, "path": path, "mode": mode, "uid": 1000, "gid": 1000, "mtime": 1763776800 * SECOND, **more}


def every_kind():
    """Every kind of entry, in walk order, each with what the archive has of it: contents, the last of which counts."""
    long = b"long-" + b"n" * 120
    return [
        (some("directory", b".", 0o750, user="app", group="app"), [b""]),
        (some("file", b"100%", uid=3000000000, gid=3000000001), [b"percent\n"]),
        (some("file", b"\xff\xfe not UTF-8", mtime=-1500000000), [b"raw\n"]),
        (some("file", b"empty", 0o4755, user="app"), [b""]),
        (some("link", b"hard", target=b"100%"), [b""]),
        (some("file", long, mtime=1763776800250000001), [b"long name\n"]),
        (some("symlink", b"outside", 0o777, target=b"/etc/hostname", escapes=True), [b""]),
        (some("file", b"rewritten"), [b"first reading\n", b"second reading\n"]),
        (some("file", "schl\u00fcssel".encode(), group="gr\u00fcppe"), [b"key\n"]),
        (some("file", b"sparse"), [bytes(200000) + b"end"]),
        (some("directory", b"tls", 0o2770), [b""]),
        (some("symlink", b"tls/current", 0o777, target=b"../empty"), [b""]),
        (some("directory", b"tls.old", 0o1777), [b""]),
    ]


def walk_order(entries):
    return sorted(entries, key=lambda pair: (pair[0]["path"] != b".", pair[0]["path"].replace(b"/", b"\0")))


def files_component(entries):
    """Archive, list and details of a component of kind files."""
    archive = b"".join(member(entry, content, at) for entry, contents in entries for at, content in enumerate(contents, 1))
    listed = b"".join(entry_line(entry, contents[-1]) for entry, contents in entries)
    sizes = [len(contents[-1]) for entry, contents in entries if entry["type"] == "file"]
    escaping = [entry for entry, _ in entries if entry.get("escapes")]
    details = {
        "path": "/srv/app/keys", "root": {"mode": 0o750, "uid": 1000, "gid": 1000}, "exclude": [],
        "entries": len(entries), "files": len(sizes), "bytes": sum(sizes), "largestFile": max(sizes),
        "entriesSha256": hashlib.sha256(listed).hexdigest(),
        "users": [{"id": 1000, "name": "app"}], "groups": [{"id": 1000, "name": "app"}],
        "escapingLinks": {"count": len(escaping), "examples": [f"{one['path'].decode()} -> {one['target'].decode()}" for one in escaping]},
    }  # fmt: skip
    return archive + bytes(1024), listed, details


# --------------------------------------------------------------------------- rows

COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = b"\xff\xff"


def binary_row(*values):
    """Values as their binary send functions give them; None is NULL."""
    fields = (b"\xff\xff\xff\xff" if value is None else struct.pack(">i", len(value)) + value for value in values)
    return struct.pack(">h", len(values)) + b"".join(fields)


def binary_part(rows):
    return COPY_HEAD + b"".join(binary_row(*row) for row in rows) + COPY_END


def text_part(rows):
    """Text: a tab between values, a newline after each row, NULL as \\N, and nothing after the last row."""
    escapes = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"}

    def value(text):
        return "\\N" if text is None else "".join(escapes.get(letter, letter) for letter in text)

    return "".join("\t".join(map(value, row)) + "\n" for row in rows).encode()


def number(value):
    return struct.pack(">i", value)
