#!/usr/bin/env python3
"""KLEIDIA_BACKUP_V1, written and read by nothing but Kleidia's documentation of the format.

Needs `cryptography` only. The password comes from the environment variable KLEIDIA_PASSWORD.

    kleidia.py write JSON FILE [--salt HEX --nonce HEX]   encrypt the archive JSON, as it stands
    kleidia.py read FILE                                  print the archive JSON, as it stands
"""

import argparse
import gzip
import hashlib
import json
import os
import struct
import sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MAGIC = b"KLEIDIA_BACKUP_V1"


def derive_key(salt: bytes) -> bytes:
    password = os.environb[b"KLEIDIA_PASSWORD"]
    return Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=64 * 1024).derive(password)


def write(archive: bytes, salt: bytes, nonce: bytes) -> bytes:
    inner = json.loads(archive)["header"]
    packed = gzip.compress(archive, mtime=0)
    ciphertext = AESGCM(derive_key(salt)).encrypt(nonce, packed, None)
    header = {
        "version": inner["version"],
        "created_at": inner["created_at"],
        "backup_type": inner["backup_type"],
        "checksum": hashlib.sha256(ciphertext).hexdigest(),
        "includes_db": inner["includes_db"],
        "includes_kv": inner["includes_kv"],
        "includes_audit": inner["includes_audit_logs"],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    return MAGIC + struct.pack(">I", len(text)) + text + salt + nonce + ciphertext


def read(data: bytes) -> bytes:
    if data[:17] != MAGIC:
        sys.exit("no KLEIDIA_BACKUP_V1")
    (length,) = struct.unpack(">I", data[17:21])
    header = json.loads(data[21 : 21 + length])
    salt, nonce = data[21 + length : 53 + length], data[53 + length : 65 + length]
    ciphertext = data[65 + length :]
    if header["checksum"] != hashlib.sha256(ciphertext).hexdigest():
        sys.exit("checksum")
    return gzip.decompress(AESGCM(derive_key(salt)).decrypt(nonce, ciphertext, None))


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write")
    writing.add_argument("json")
    writing.add_argument("file")
    writing.add_argument("--salt", type=bytes.fromhex)
    writing.add_argument("--nonce", type=bytes.fromhex)
    commands.add_parser("read").add_argument("file")
    options = parser.parse_args()
    if options.command == "read":
        with open(options.file, "rb") as source:
            sys.stdout.buffer.write(read(source.read()))
        return
    with open(options.json, "rb") as source:
        made = write(source.read(), options.salt or os.urandom(32), options.nonce or os.urandom(12))
    with open(options.file, "wb") as target:
        target.write(made)


main()
