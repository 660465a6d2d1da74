#!/usr/bin/env python3
"""Recovers restore points from a Holdfast repository, without Holdfast.

Needs Python 3.9 or newer, the package "cryptography", and zstd (the program, or
the module "zstandard", or Python 3.14). README.txt beside this file says step by
step what to do. This file was written from docs/reference/format.md alone.

  recover.py list    FOLDER                       the restore points
  recover.py show    FOLDER POINT|latest          what one of them holds
  recover.py check   FOLDER POINT|latest          read, decrypt and compare every byte
  recover.py extract FOLDER POINT|latest TARGET   write the plain content into TARGET

Exit codes: 0 done, 2 usage, 10 not found, 12 denied (wrong key or signer),
20 cannot read or write, 21 a tool is missing or failed, 30 corrupt,
31 unsupported, 130 cancelled.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import csv
import getpass
import hashlib
import hmac
import itertools
import json
import os
import re
import shlex
import struct
import subprocess
import sys
import threading
import unicodedata
from typing import Any, BinaryIO, Callable, Dict, Iterable, Iterator, List, NamedTuple, NoReturn, Optional, Set

try:
    from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
except ImportError:
    sys.stderr.write("recover.py: the Python package cryptography is missing: run `python3 -m pip install cryptography`\n")
    sys.exit(21)

# --------------------------------------------------------------------------- errors

EXIT = {"usage": 2, "notFound": 10, "denied": 12, "unreachable": 20, "toolFailed": 21, "corrupt": 30, "unsupported": 31}
MIB = 1024 * 1024
DOCUMENT_LIMIT = 1 * MIB
MANIFEST_LIMIT = 256 * MIB
OTHER_COPY = "get this file again from another copy of the repository, or choose an older point"
NEWER_READER = "take the recover.py of the newer Holdfast that wrote it"


class Failure(Exception):
    """An error that a person can act on: its class, what happened, and the next step."""

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind, self.message, self.hint = kind, message, hint

    def line(self) -> str:
        return printable(f"{self.kind}: {self.message}" + (f"; {self.hint}" if self.hint else ""))


class WrongPassword(Failure):
    """Not damage: an older revision is not tried with it."""


def corrupt(message: str) -> NoReturn:
    raise Failure("corrupt", message, OTHER_COPY)


def unsupported(message: str) -> NoReturn:
    raise Failure("unsupported", message, NEWER_READER)


def printable(text: object) -> str:
    """Text from a repository for a terminal: control characters must not reach it."""
    return "".join(character if character.isprintable() else "?" for character in str(text))


def warn(message: str) -> None:
    print(f"warning: {printable(message)}", file=sys.stderr)


# --------------------------------------------------------------------------- documents


def number(text: str) -> Any:
    """1.0 and 1e3 are whole numbers as 1 and 1000 are: JSON has one kind of number."""
    value = float(text)
    return int(value) if value.is_integer() else value


def parse_json(data: bytes, where: str) -> Dict[str, Any]:
    """A JSON object; duplicate keys, a byte order mark, bad UTF-8 and NaN are rejected."""

    def unique(pairs: List[Any]) -> Dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            corrupt(f"{where} has a key twice")
        return dict(pairs)

    def constant(name: str) -> None:
        corrupt(f"{where} holds {name}, which is not JSON")

    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=constant, parse_float=number)
    except (ValueError, RecursionError):
        corrupt(f"{where} is not JSON")
    if not isinstance(document, dict):
        corrupt(f"{where} is not a JSON object")
    return document


def field(document: Dict[str, Any], name: str, kind: type, where: str) -> Any:
    """A member that must be there and of this type (true is not a number)."""
    value = document.get(name)
    if type(value) is not kind:
        corrupt(f'{where}: "{name}" is missing or not of the type {kind.__name__}')
    if kind is int and abs(value) >= 2**53:
        corrupt(f'{where}: "{name}" is larger than 2^53 - 1')
    return value


def moment(document: Dict[str, Any], name: str, where: str) -> str:
    """A time in UTC as RFC 3339 has it, with Z."""
    value: str = field(document, name, str, where)
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?Z", value):
        corrupt(f'{where}: "{name}" is not a time in UTC')
    return value


def objects(document: Dict[str, Any], name: str, where: str) -> List[Dict[str, Any]]:
    values: List[Any] = field(document, name, list, where)
    if not all(isinstance(value, dict) for value in values):
        corrupt(f'{where}: "{name}" is not a list of objects')
    return values


def size_of(document: Dict[str, Any], name: str, where: str) -> int:
    value: int = field(document, name, int, where)
    if value < 0:
        corrupt(f'{where}: "{name}" is negative')
    return value


def refuse_newer(document: Dict[str, Any], where: str) -> None:
    """Before anything else of a document is judged: what a newer format means is not known."""
    version = document.get("format")
    if type(version) in (int, float) and version > 1:
        unsupported(f"{where} is of format {version}, this reader knows format 1")


def require_format(document: Dict[str, Any], where: str) -> None:
    refuse_newer(document, where)
    if field(document, "format", int, where) != 1:
        corrupt(f"{where} is of format {document['format']}")


def unbase64(text: Any, where: str, length: Optional[int] = None) -> bytes:
    """Canonical base64 with padding, of an exact length when one is given."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (AttributeError, UnicodeError, binascii.Error):
        corrupt(f"{where} is not base64")
    if base64.b64encode(data).decode("ascii") != text or length not in (None, len(data)):
        corrupt(f"{where} is not canonical base64 of the right length")
    return data


def unhex(text: Any, length: int, where: str) -> bytes:
    if not isinstance(text, str) or not re.fullmatch(f"[0-9a-f]{{{2 * length}}}", text):
        corrupt(f"{where} is not {2 * length} lower-case hexadecimal digits")
    return bytes.fromhex(text)


# --------------------------------------------------------------------------- key derivation


def expand(algorithm: str, key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand of RFC 5869."""
    output, block = b"", b""
    for counter in range(1, 256):
        block = hmac.new(key, block + info + bytes([counter]), algorithm).digest()
        output += block
        if len(output) >= length:
            break
    return output[:length]


def hkdf(algorithm: str, material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF of RFC 5869, extract and expand. An empty salt is the same as none."""
    return expand(algorithm, hmac.new(salt, material, algorithm).digest(), info, length)


def argon2id(password: bytes, salt: bytes, t: int, memory: int, p: int) -> bytes:
    """32 bytes of Argon2id, version 0x13, by cryptography 44 or newer, else by argon2-cffi."""
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

        return Argon2id(salt=salt, length=32, iterations=t, lanes=p, memory_cost=memory).derive(password)
    except (ImportError, UnsupportedAlgorithm):
        pass
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        raise Failure(
            "toolFailed",
            "this Python has no Argon2id, which the password needs",
            "run `python3 -m pip install argon2-cffi`, or use --identity with an age identity exported elsewhere",
        ) from None
    return hash_secret_raw(password, salt, t, memory, p, 32, Type.ID, 19)


# --------------------------------------------------------------------------- age (age-encryption.org/v1)

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
AGE_CHUNK = 65536


def bech32_decode(text: str) -> bytes:
    """The bytes of a Bech32 string (BIP 173), after its checksum was compared."""
    prefix, _, data = text.lower().rpartition("1")
    values = [BECH32.find(character) for character in data]
    checked = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values
    checksum = 1
    for value in checked:
        top, checksum = checksum >> 25, (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    if -1 in values or checksum != 1:
        raise Failure("usage", "the age identity has a wrong checksum", "compare it with the original, letter by letter")
    bits = "".join(f"{value:05b}" for value in values[:-6])
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


class AgeFile(NamedTuple):
    """The parts of an age file: stanzas, what its MAC covers, the MAC, and the encrypted payload."""

    stanzas: List[Any]
    covered: bytes
    mac: bytes
    payload: bytes


def unpadded(text: bytes, where: str) -> bytes:
    if b"=" in text:
        corrupt(f"{where} has padded base64")
    return unbase64((text + b"=" * (-len(text) % 4)).decode("latin-1"), where)


def parse_age(data: bytes, where: str) -> AgeFile:
    """Splits an age file; nothing is authenticated yet."""
    head, mark, rest = data.partition(b"\n--- ")
    mac, newline, payload = rest.partition(b"\n")
    lines = head.split(b"\n")
    if not mark or not newline or lines.pop(0) != b"age-encryption.org/v1":
        corrupt(f"{where} is not a binary age file")
    stanzas: List[Any] = []
    while lines:
        words = lines.pop(0).split(b" ")
        if words[0] != b"->":
            corrupt(f"{where} is not a binary age file")
        body = b""
        while lines and len(lines[0]) == 64:
            body += lines.pop(0)
        body += lines.pop(0) if lines else b""
        stanzas.append((words[1:], body))
    return AgeFile(stanzas, head + b"\n---", unpadded(mac, where), payload)


def age_file_key(file: AgeFile, identity: bytes, where: str) -> Optional[bytes]:
    """The file key, if one of the X25519 stanzas is for this identity."""
    private = X25519PrivateKey.from_private_bytes(identity)
    for words, body in file.stanzas:
        if words[0] != b"X25519" or len(words) != 2:
            continue
        share, wrapped = unpadded(words[1], where), unpadded(body, where)
        if len(share) != 32 or len(wrapped) != 32:
            corrupt(f"{where} has a damaged X25519 stanza")
        try:
            shared = private.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            corrupt(f"{where} has an X25519 stanza with a forbidden share")
        salt = share + private.public_key().public_bytes_raw()
        key = hkdf("sha256", shared, salt, b"age-encryption.org/v1/X25519", 32)
        with contextlib.suppress(InvalidTag):
            return ChaCha20Poly1305(key).decrypt(bytes(12), wrapped, None)
    return None


def age_payload(file: AgeFile, file_key: bytes, where: str) -> bytes:
    """The content: the header's MAC is compared first, then each chunk is decrypted."""
    expected = hmac.digest(hkdf("sha256", file_key, b"", b"header", 32), file.covered, "sha256")
    if not hmac.compare_digest(expected, file.mac):
        corrupt(f"{where}: the header of the age file was changed")
    cipher = ChaCha20Poly1305(hkdf("sha256", file_key, file.payload[:16], b"payload", 32))
    sealed, plain = file.payload[16:], b""
    starts = range(0, max(len(sealed), 1), AGE_CHUNK + 16)
    for counter, start in enumerate(starts):
        nonce = counter.to_bytes(11, "big") + bytes([start == starts[-1]])
        try:
            plain += cipher.decrypt(nonce, sealed[start : start + AGE_CHUNK + 16], None)
        except InvalidTag:
            corrupt(f"{where}: the content of the age file was changed")
    return plain


def age_decrypt(path: str, data: bytes, identities: List[str], where: str) -> bytes:
    """Opens an age file with X25519 identities here, and with any other kind by the program `age`."""
    file = parse_age(data, where)
    native = [text for text in identities if text.upper().startswith("AGE-SECRET-KEY-1")]
    for text in native:
        file_key = age_file_key(file, bech32_decode(text), where)
        if file_key is not None:
            return age_payload(file, file_key, where)
    if len(native) < len(identities):
        return age_by_program(path, identities, where)
    raise Failure("denied", f"{where} is not for this identity", "use an identity whose recipient was configured when the point was made")


def age_by_program(path: str, identities: List[str], where: str) -> bytes:
    """Plugin, post-quantum and SSH identities need stock age. The identity goes through a pipe, never to a file."""
    text = "\n".join([*identities, ""]).encode()
    try:
        done = subprocess.run(["age", "-d", "-i", "-", path], input=text, capture_output=True, check=False)
    except FileNotFoundError:
        raise Failure("toolFailed", "this identity needs the program age, which is missing", "install the package age") from None
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().split("\n")[0]
        raise Failure("denied", f"age does not open {where}: {reason}")
    return done.stdout


# --------------------------------------------------------------------------- zstd

ZSTD_MAGIC = 0xFD2FB528
UNIT_START = bytes.fromhex("502A4D1808000000")
UNIT_PLAIN_LIMIT = 8 * MIB
UNIT_STORED_LIMIT = 9 * MIB


def frame_length(frame: bytes) -> int:
    """Where the one zstd frame at the start of these bytes ends (RFC 8878, 3.1.1), or -1 if it does not."""
    if len(frame) < 6 or int.from_bytes(frame[:4], "little") != ZSTD_MAGIC:
        return -1
    descriptor = frame[4]
    single, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
    content = (single, 2, 4, 8)[descriptor >> 6]
    at = 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + content
    while at + 3 <= len(frame):
        block = int.from_bytes(frame[at : at + 3], "little")
        last, kind, size = block & 1, block >> 1 & 3, block >> 3
        at += 3 + (1 if kind == 1 else size)
        if last:
            return at + 4 * checksum
    return -1


def decompress_by_module(frame: bytes, limit: int) -> Optional[bytes]:
    """By Python 3.14 or the module zstandard; None when neither is there. A wrong frame gives b''."""
    try:
        from compression import zstd

        decoder = zstd.ZstdDecompressor()
        with contextlib.suppress(zstd.ZstdError, EOFError):
            plain = decoder.decompress(frame, limit)
            return plain if decoder.eof else b""
        return b""
    except ImportError:
        pass
    try:
        import zstandard
    except ImportError:
        return None
    try:
        with zstandard.ZstdDecompressor().stream_reader(frame) as reader:
            return reader.read(limit)
    except zstandard.ZstdError:
        return b""


def decompress_by_program(frame: bytes, limit: int) -> bytes:
    """By the program zstd, at most `limit` bytes. A wrong frame gives b''."""
    try:
        child = subprocess.Popen(["zstd", "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        raise Failure("toolFailed", "the program zstd is missing", "install the package zstd (Debian: apt install zstd)") from None
    assert child.stdin is not None and child.stdout is not None
    feeder = threading.Thread(target=feed, args=(child.stdin, frame))
    feeder.start()
    plain = child.stdout.read(limit)
    if len(plain) == limit:
        child.kill()
    feeder.join()
    child.stdout.close()
    if child.wait() < 0 and len(plain) < limit:
        raise Failure("toolFailed", f"zstd was killed by signal {-child.returncode}", "see that there is enough memory")
    return plain if child.returncode == 0 else b""


def feed(pipe: BinaryIO, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        pipe.write(data)
    with contextlib.suppress(BrokenPipeError):
        pipe.close()


def decompress_frame(frame: bytes, plain_length: int, where: str) -> bytes:
    """Exactly one zstd frame that gives exactly `plain_length` bytes."""
    if frame_length(frame) != len(frame):
        corrupt(f"{where}: a unit does not hold exactly one zstd frame")
    # One byte more than is allowed is enough to see that there is more, whatever the frame would expand to.
    plain = decompress_by_module(frame, plain_length + 1)
    if plain is None:
        plain = decompress_by_program(frame, plain_length + 1)
    if len(plain) != plain_length:
        corrupt(f"{where}: a zstd frame does not give the {plain_length} bytes that it should")
    return plain


class Pull:
    """Reads given lengths from an iterator of byte strings, holding no more than it must."""

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source, self._held = iter(source), bytearray()

    def take(self, length: int) -> bytes:
        """`length` bytes; fewer only at the end."""
        while len(self._held) < length:
            more = next(self._source, None)
            if more is None:
                break
            self._held += more
        taken = bytes(self._held[:length])
        del self._held[:length]
        return taken


def decompress_units(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """The plain content of the compression units of docs/reference/format.md section 4."""
    source = Pull(chunks)
    while True:
        head = source.take(16)
        if not head:
            return
        if len(head) < 16 or head[:8] != UNIT_START:
            corrupt(f"{where}: no compression unit where one should start")
        stored, plain = struct.unpack("<II", head[8:])
        if not 1 <= plain <= UNIT_PLAIN_LIMIT or stored > UNIT_STORED_LIMIT:
            corrupt(f"{where}: a compression unit has lengths over the limit, or is empty")
        frame = source.take(stored)
        if len(frame) < stored:
            corrupt(f"{where}: the last compression unit is cut off")
        yield decompress_frame(frame, plain, where)


# --------------------------------------------------------------------------- artifacts

ARTIFACT_MAGIC = bytes.fromhex("89484C440D0A1A0A")
HEADER, SALT, COMMITMENT = 56, 24, 32
CHUNK_SEALED = 16384 + 16
KINDS = {1: "PostgreSQL dump", 2: "COPY rows", 3: "JSON lines", 4: "tar", 5: "manifest", 6: "SQL"}
EXTENSIONS = {1: "dump", 2: "copy", 3: "jsonl", 4: "tar", 5: "json", 6: "sql"}


class Header(NamedTuple):
    kind: int
    compression: int


def check_header(header: bytes, ids: bytes, number: int, where: str) -> Header:
    """Compares the clear header with what is expected, in the order of docs/reference/format.md section 4."""
    magic, version, suite, length, found_ids, found_number, kind, compression, zero = struct.unpack(">8sBBH32sIBB6s", header)
    if magic != ARTIFACT_MAGIC:
        corrupt(f"{where} does not start as an artifact does")
    if version != 1 or suite != 1 or kind not in KINDS or compression > 1:
        unsupported(f"{where} has version {version}, suite {suite}, kind {kind}, compression {compression}")
    if length != HEADER or found_ids != ids or found_number != number or zero != bytes(6):
        corrupt(f"{where} has the header of another artifact, or a damaged one")
    return Header(kind, compression)


def open_artifact(stream: Any, data_key: bytes, ids: bytes, number: int, where: str) -> Any:
    """Checks header and key commitment of an artifact; gives its header and its plain content as a stream.

    `ids` is repository id and point id. Every byte of the content was authenticated before it is given, but whether
    the content is whole is known only when the stream has ended.
    """
    start = stream.read(HEADER + SALT + COMMITMENT)
    if len(start) < HEADER + SALT + COMMITMENT:
        corrupt(f"{where} is cut off in its header")
    header, salt, commitment = start[:HEADER], start[HEADER : HEADER + SALT], start[HEADER + SALT :]
    parsed = check_header(header, ids, number, where)
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM\x00" + salt + b"holdfast/1\x00" + header
    derived = expand("sha512", data_key, info, 76)
    if not hmac.compare_digest(derived[44:], commitment):
        raise Failure("denied", f"{where} was encrypted with another data key")
    chunks = decrypt_chunks(stream, derived[:32], derived[32:44], where)
    return parsed, decompress_units(chunks, where) if parsed.compression else chunks


def decrypt_chunks(stream: Any, key: bytes, nonce: bytes, where: str) -> Iterator[bytes]:
    """The chunks of an artifact; it must end with one that is shorter than the others."""
    cipher, first = AESGCM(key), int.from_bytes(nonce, "big")
    for index in range(2**38):
        sealed = stream.read(CHUNK_SEALED)
        if not sealed:
            corrupt(f"{where} is cut off after chunk {index}")
        try:
            plain = cipher.decrypt((first ^ index).to_bytes(12, "big"), sealed, None)
        except (InvalidTag, ValueError):
            corrupt(f"{where}: chunk {index} is damaged or cut off")
        yield plain
        if len(sealed) < CHUNK_SEALED:
            return
    corrupt(f"{where} has too many chunks")


class Hashing:
    """A reader that counts and hashes what passes, to compare it with what was signed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._hash, self._size = stream, hashlib.sha256(), 0

    def read(self, length: int) -> bytes:
        data = self._stream.read(length)
        self._hash.update(data)
        self._size += len(data)
        return data

    def drain(self) -> None:
        while self.read(MIB):
            pass

    def equals(self, size: int, sha256: str) -> bool:
        return self._size == size and self._hash.hexdigest() == sha256


# --------------------------------------------------------------------------- the repository as a folder

POINT = re.compile(r"[0-9a-f]{32}")
COMMIT_NAME = r"([0-9a-f]{32})\.json"


class Trust(NamedTuple):
    """Whose signatures count."""

    signers: Set[str]
    any_signer: bool

    def require(self, signer: str, where: str) -> None:
        if self.any_signer or signer in self.signers:
            return
        if not self.signers:
            raise Failure(
                "denied",
                f"{where}: no trusted signer is known, so whoever can write to the storage could have made it",
                f"compare {signer} with your recovery kit and give it as --signer, or accept the risk with --trust-any-signer",
            )
        raise Failure("denied", f"{where} is signed by {signer}, which is not a trusted signer", "if you do know this signer, add --signer")


class Repository:
    """A local folder that is a repository, or a copy of one."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        if not os.path.isfile(self.path("holdfast.json")):
            raise Failure("notFound", f"{folder} is not a repository: it has no holdfast.json", "name the folder that holds it, and see that it is mounted")
        marker = parse_json(self.small("holdfast.json"), "holdfast.json")
        require_format(marker, "holdfast.json")
        self.id = unhex(marker.get("repository"), 16, "holdfast.json: repository").hex()

    def path(self, name: str) -> str:
        return os.path.join(self._folder, *name.split("/"))

    def open(self, name: str, missing: str = "notFound") -> BinaryIO:
        """Opens a file. What a commit names and is not there is lost data: then `missing` is corrupt."""
        try:
            return open(self.path(name), "rb")
        except FileNotFoundError:
            raise Failure(missing, f"{name} is missing", OTHER_COPY) from None

    def small(self, name: str) -> bytes:
        with self.open(name) as file:
            data = file.read(DOCUMENT_LIMIT + 1)
        if len(data) > DOCUMENT_LIMIT:
            corrupt(f"{name} is larger than 1 MiB")
        return data

    def names(self, folder: str, pattern: str) -> List[Any]:
        """Matches of all file names in a folder that have this form; others are not ours."""
        try:
            found = os.listdir(self.path(folder))
        except FileNotFoundError:
            return []
        return [match for match in (re.fullmatch(pattern, name) for name in sorted(found)) if match]

    def foreign(self, folder: str, pattern: str) -> List[str]:
        """Files that something else than Holdfast put beside its own."""
        with contextlib.suppress(FileNotFoundError):
            return [f"{folder}/{name}" for name in sorted(os.listdir(self.path(folder))) if not re.fullmatch(pattern, name)]
        return []

    def newest(self, folder: str, prefix: str, suffix: str, missing: Failure, read: Callable[[str], Any]) -> Any:
        """What `read` gives for the name with the highest number between prefix and suffix that is whole.

        Later ones replace earlier ones. One that is damaged or cannot be read is said and passed over; if none is
        left, the failure is that of the newest which is not damaged. A wrong password and a newer format end it.
        """
        matches = self.names(folder, re.escape(prefix) + r"([1-9][0-9]{0,9})" + re.escape(suffix))
        if not matches:
            raise missing
        failures: List[Failure] = []
        for match in sorted(matches, key=lambda match: int(match[1]), reverse=True):
            name = f"{folder}/{match[0]}"
            try:
                found = read(name)
            except WrongPassword as error:
                # It may be that of the newer one, which is damaged.
                raise (failures or [error])[0] from None
            except (Failure, OSError) as error:
                if isinstance(error, Failure) and error.kind == "unsupported":
                    raise
                failures.append(error if isinstance(error, Failure) else Failure("unreachable", f"{name} cannot be read: {error}"))
                continue
            for failure in failures:
                warn(f"{failure.line()}; {name} is used instead")
            return found
        raise next((failure for failure in failures if failure.kind != "corrupt"), failures[0])


# --------------------------------------------------------------------------- signed documents


def open_envelope(data: bytes, kind: str, trust: Trust, where: str) -> Dict[str, Any]:
    """The payload of a DSSE envelope, after type, signer and signature were checked."""
    envelope = parse_json(data, where)
    refuse_newer(envelope, where)
    payload_type = field(envelope, "payloadType", str, where)
    signatures = objects(envelope, "signatures", where)
    if payload_type != f"application/vnd.holdfast.{kind}+json" or len(signatures) != 1:
        corrupt(f"{where} is not a {kind} with one signature")
    payload = unbase64(envelope.get("payload"), f"{where}: payload")
    signer = field(signatures[0], "keyid", str, where)
    signed = b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)
    # Before the trust: a name of a signer that was damaged is no signer, and nobody signed it so.
    try:
        signer_key(signer, where).verify(unbase64(signatures[0].get("sig"), f"{where}: sig", 64), signed)
    except InvalidSignature:
        corrupt(f"{where} has a wrong signature, or does not name the signer who signed it")
    trust.require(signer, where)
    document = parse_json(payload, where)
    require_format(document, where)
    return document


def signer_key(signer: str, where: str) -> Ed25519PublicKey:
    if not signer.startswith("ed25519:"):
        corrupt(f"{where}: signer {signer} is not an ed25519 key")
    key = unbase64(signer[len("ed25519:") :], f"{where}: signer", 32)
    try:
        return Ed25519PublicKey.from_public_bytes(key)
    except ValueError:
        corrupt(f"{where}: signer {signer} is not a point of the curve")


class Commit(NamedTuple):
    """A restore point as its signed commit describes it."""

    point: str
    sequence: int
    app: str
    created: str
    complete: bool
    remarks: List[Any]
    note: Optional[str]
    artifacts: Dict[int, Dict[str, Any]]
    manifest: Dict[str, Any]
    key_commitment: bytes
    keys: Optional[Dict[str, Any]]
    sha256: str

    def stored_size(self) -> int:
        return sum(entry["size"] for entry in self.artifacts.values()) + int(self.manifest["size"])


def parse_commit(data: bytes, repository: Repository, point: str, trust: Trust, where: str) -> Commit:
    """A commit that is validly signed and belongs to this repository and this point."""
    document = open_envelope(data, "commit", trust, where)
    require_same_place(document, repository, point, where)
    require_commit(document, where)
    entries = objects(document, "artifacts", where)
    artifacts = {field(entry, "number", int, where): stored_entry(entry, where) for entry in entries}
    if len(artifacts) != len(entries) or not all(1 <= number <= 999999 for number in artifacts):
        corrupt(f"{where} numbers its artifacts wrongly")
    return Commit(
        point=point,
        sequence=size_of(document, "sequence", where),
        app=field(document, "app", str, where),
        created=moment(document, "created", where),
        complete=field(document, "complete", bool, where),
        remarks=field(document, "remarks", list, where),
        note=field(document, "note", str, where) if "note" in document else None,
        artifacts=artifacts,
        manifest=stored_entry(field(document, "manifest", dict, where), where),
        key_commitment=unhex(document.get("keyCommitment"), 32, f"{where}: keyCommitment"),
        keys=stored_entry(field(document, "keys", dict, where), where) if "keys" in document else None,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def require_commit(document: Dict[str, Any], where: str) -> None:
    """The members of a commit that are used for nothing here: one that lacks them is no commit."""
    field(document, "software", str, where)
    if size_of(document, "sequence", where) == 0:
        corrupt(f'{where}: "sequence" is 0')
    if "previous" not in document or document["previous"] is not None:
        unhex(document.get("previous"), 32, f"{where}: previous")
    for component in objects(document, "components", where):
        for name, kind in (("name", str), ("kind", str), ("complete", bool), ("bytes", int)):
            field(component, name, kind, where)


def stored_entry(entry: Dict[str, Any], where: str) -> Dict[str, Any]:
    size_of(entry, "size", where)
    unhex(entry.get("sha256"), 32, f"{where}: sha256")
    return entry


def require_same_place(document: Dict[str, Any], repository: Repository, point: str, where: str) -> None:
    if document.get("repository") != repository.id or document.get("point") != point:
        corrupt(f"{where} belongs to another repository or point")


def read_commit(repository: Repository, point: str, trust: Trust, removed: bool = False) -> Commit:
    """The commit of a point; with `removed`, also from the tombstone of a point that was removed."""
    name = f"points/{point}.json"
    try:
        return parse_commit(repository.small(name), repository, point, trust, name)
    except Failure as failure:
        if failure.kind != "notFound" or not os.path.isfile(repository.path(f"removed/{point}.json")):
            raise
        if not removed:
            raise Failure("notFound", f"point {point} was removed", "while its data is kept, --removed opens it") from None
    tombstone = read_tombstone(repository, point, trust)
    name = f"removed/{point}.json"
    return parse_commit(unbase64(tombstone.get("commit"), f"{name}: commit"), repository, point, trust, name)


def read_tombstone(repository: Repository, point: str, trust: Trust) -> Dict[str, Any]:
    name = f"removed/{point}.json"
    document = open_envelope(repository.small(name), "tombstone", trust, name)
    require_same_place(document, repository, point, name)
    return document


def read_proofs(repository: Repository, commit: Commit, trust: Trust) -> List[Dict[str, Any]]:
    """The valid proofs of a point, oldest first. A bad one is said and left out: it proves nothing."""
    proofs = []
    for match in repository.names(f"proofs/{commit.point}", r"[0-9]{8}T[0-9]{9}Z-(verify|drill|hold|release)\.json"):
        name = f"proofs/{commit.point}/{match[0]}"
        try:
            proof = open_envelope(repository.small(name), "proof", trust, name)
            require_same_place(proof, repository, commit.point, name)
            if proof.get("kind") != match[1]:
                corrupt(f"{name} is a proof of another kind")
            if proof.get("commitSha256") != commit.sha256:
                corrupt(f"{name} is about another commit")
            proofs.append(proof)
        except Failure as failure:
            warn(failure.line())
    return proofs


# --------------------------------------------------------------------------- identities


class Keys(NamedTuple):
    """What the person brought: age identities that open points, and the signers to trust."""

    identities: List[str]
    trust: Trust


def keys_from(arguments: Any, repository: Repository) -> Keys:
    """Identities and signers from --identity, --name (or the only name there is) and --signer."""
    identities: List[str] = []
    signers = set(arguments.signer)
    if arguments.identity:
        identities, more = read_identity_file(arguments.identity)
        signers.update(more)
    elif arguments.name or arguments.command != "list" or not (signers or arguments.trust_any_signer):
        identities, more = unlock_identity(repository, arguments.name or only_name(repository))
        signers.update(more)
    for signer in signers:
        signer_key(signer, "--signer")
    return Keys(identities, Trust(signers, arguments.trust_any_signer))


def read_identity_file(path: str) -> Any:
    """The identities of an age identity file, and the signers in its `# signer: ...` lines."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.strip() for line in file.read(DOCUMENT_LIMIT).splitlines()]
    except (FileNotFoundError, IsADirectoryError):
        raise Failure("usage", f"there is no identity file {path}") from None
    except UnicodeDecodeError:
        lines = ["age-encryption.org/v1"]
    if lines and lines[0] in ("age-encryption.org/v1", "-----BEGIN AGE ENCRYPTED FILE-----"):
        raise Failure("usage", f"the identity file {path} is itself encrypted", f"run `age -d {shlex.quote(path)} > identity.txt` first")
    signers = re.findall(r"^#\s*signer:\s*(\S+)\s*$", "\n".join(lines), re.MULTILINE)
    identities = [line for line in lines if line and not line.startswith("#")]
    if not identities:
        raise Failure("usage", f"the identity file {path} holds no identity", "it needs a line that starts with AGE-SECRET-KEY-1")
    return identities, signers


def only_name(repository: Repository) -> str:
    matches = repository.names("identities", r"([a-z0-9][a-z0-9-]{0,62})\.[1-9][0-9]*\.json")
    names = sorted({match[1] for match in matches})
    if len(names) == 1:
        return str(names[0])
    known = f"one of {', '.join(names)}" if names else "none is kept in this repository"
    raise Failure("usage", f"no identity was given ({known})", "use --identity FILE, or --name NAME and its password")


def unlock_identity(repository: Repository, name: str) -> Any:
    """The identity and the signers that identities/<name>.<revision>.json keeps under a password."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise Failure("usage", f"{name} is not the name of an identity")

    def read(where: str) -> Any:
        return unlock_document(parse_json(repository.small(where), where), name, where)

    missing = Failure("notFound", f"there is no identity {name} in this repository", "see the names in its folder identities")
    return repository.newest("identities", f"{name}.", ".json", missing, read)


def unlock_document(document: Dict[str, Any], name: str, where: str) -> Any:
    refuse_newer(document, where)
    header = unbase64(document.get("header"), f"{where}: header")
    commitment = unbase64(document.get("commitment"), f"{where}: commitment", 32)
    nonce = unbase64(document.get("nonce"), f"{where}: nonce", 12)
    ciphertext = unbase64(document.get("ciphertext"), f"{where}: ciphertext")
    # Before the password: a commitment cannot tell a wrong one from a flipped bit.
    if "sha256" in document and document["sha256"] != hashlib.sha256(header + commitment + nonce + ciphertext).hexdigest():
        corrupt(f"{where} is not what was written: its SHA-256 differs")
    content = parse_json(header, where)
    kdf = checked_kdf(content, where)
    if content.get("name") != name:
        corrupt(f"{where} is the identity {content.get('name')}")
    secret = argon2id(password_for(name), kdf["salt"], kdf["t"], kdf["memoryKiB"], kdf["p"])
    derived = hkdf("sha512", secret, b"", b"holdfast/1 identity\x00" + header, 64)
    if not hmac.compare_digest(derived[32:], commitment):
        raise WrongPassword("denied", f"this is not the password of {where}", "try again; capital letters and keyboard layout count")
    try:
        plain = AESGCM(derived[:32]).decrypt(nonce, ciphertext, header)
    except (InvalidTag, ValueError):
        corrupt(f"{where} is damaged (the password is right)")
    secret_part = parse_json(plain, where)
    require_recipient(field(secret_part, "identity", str, where), field(content, "recipient", str, where), where)
    return [secret_part["identity"]], [str(signer) for signer in field(secret_part, "signers", list, where)]


def require_recipient(identity: str, recipient: str, where: str) -> None:
    """The private key must be that of the public one; of X25519 keys, which are the ones that can be compared here."""
    if not identity.startswith("AGE-SECRET-KEY-1"):
        return
    public = X25519PrivateKey.from_private_bytes(bech32_decode(identity)).public_key().public_bytes_raw()
    with contextlib.suppress(Failure):
        if bech32_decode(recipient) == public:
            return
    corrupt(f"{where} holds the key of another recipient")


def checked_kdf(header: Dict[str, Any], where: str) -> Dict[str, Any]:
    """The Argon2id parameters; their bounds are compared before anything is run with them."""
    require_format(header, where)
    kdf = field(header, "kdf", dict, where)
    if kdf.get("name") != "argon2id" or kdf.get("version") != 19:
        unsupported(f"{where} uses another password derivation than argon2id, version 19")
    for name, low, high in (("t", 1, 16), ("memoryKiB", 65536, 2097152), ("p", 1, 16)):
        if not low <= field(kdf, name, int, where) <= high:
            unsupported(f"{where}: {name} {kdf[name]} is outside {low} to {high}")
    return {**kdf, "salt": unbase64(kdf.get("salt"), f"{where}: salt", 32)}


def password_for(name: str) -> bytes:
    password = os.environ.get("HOLDFAST_PASSWORD")
    if password is None:
        password = getpass.getpass(f"password of identity {name}: ")
    return unicodedata.normalize("NFC", password).encode("utf-8")


# --------------------------------------------------------------------------- one restore point


class Point(NamedTuple):
    """An opened restore point: its data key was proven, its manifest authenticated."""

    commit: Commit
    ids: bytes
    data_key: bytes
    manifest: Dict[str, Any]
    manifest_bytes: bytes


def open_point(repository: Repository, commit: Commit, keys: Keys) -> Point:
    ids = bytes.fromhex(repository.id + commit.point)
    data_key = unwrap_data_key(repository, commit, ids, keys)
    where = f"data/{commit.point}/manifest"
    plain = bytearray()
    read_stored(repository, where, commit.manifest, (data_key, ids, 0), Expected(5, 1, MANIFEST_LIMIT, None), plain.extend)
    manifest = parse_json(bytes(plain), where)
    check_manifest(manifest, commit, repository, where)
    return Point(commit, ids, data_key, manifest, bytes(plain))


def unwrap_data_key(repository: Repository, commit: Commit, ids: bytes, keys: Keys) -> bytes:
    """The point's data key, from the newest keys file that holds the one of the signed key commitment."""

    def read(where: str) -> bytes:
        return data_key_in(repository, commit, ids, keys, where)

    missing = Failure("corrupt", f"the keys file is missing: there is no data/{commit.point}/keys-1 or later", OTHER_COPY)
    found: bytes = repository.newest(f"data/{commit.point}", "keys-", "", missing, read)
    return found


def data_key_in(repository: Repository, commit: Commit, ids: bytes, keys: Keys, where: str) -> bytes:
    data = repository.small(where)
    if commit.keys is not None and where.endswith("/keys-1") and hashlib.sha256(data).hexdigest() != commit.keys["sha256"]:
        corrupt(f"{where} is not what was stored: its SHA-256 differs from the commit")
    changed = later_sum_differs(repository, where, data)
    try:
        content = age_decrypt(repository.path(where), data, keys.identities, where)
    except Failure as failure:
        if failure.kind == "denied" and changed:
            corrupt(f"{where} is not what was stored: its SHA-256 differs from {where}.sha256")
        raise
    if changed:
        warn(f"{where}.sha256 is damaged; the keys beside it are whole")
    if len(content) != 70 or content[:6] != b"HFKEY1" or content[6:38] != ids:
        corrupt(f"{where} holds the key of another point")
    data_key = content[38:]
    commitment = expand("sha512", data_key, b"holdfast/1 data key\x00" + ids, 32)
    if not hmac.compare_digest(commitment, commit.key_commitment):
        corrupt(f"{where} holds another key than the commit promises")
    return data_key


def later_sum_differs(repository: Repository, where: str, data: bytes) -> bool:
    """Keys that were made anew are in no commit; newer writers keep their sum beside them."""
    try:
        text = repository.small(f"{where}.sha256")
    except (Failure, OSError):
        return False
    return text.rstrip() != hashlib.sha256(data).hexdigest().encode()


def check_manifest(manifest: Dict[str, Any], commit: Commit, repository: Repository, where: str) -> None:
    """The manifest must describe exactly the artifacts of the signed commit."""
    require_format(manifest, where)
    require_same_place(manifest, repository, commit.point, where)
    if manifest.get("app") != commit.app:
        corrupt(f"{where} belongs to another app")
    seen: Dict[int, Dict[str, Any]] = {}
    for component in objects(manifest, "components", where):
        for name in ("name", "kind"):
            field(component, name, str, where)
        for entry in objects(component, "artifacts", where):
            check_entry(entry, where)
            if entry["number"] in seen:
                corrupt(f"{where} names artifact {entry['number']} twice")
            seen[entry["number"]] = entry
    described = {number: (entry["size"], entry["sha256"]) for number, entry in seen.items()}
    if described != {number: (entry["size"], entry["sha256"]) for number, entry in commit.artifacts.items()}:
        corrupt(f"{where} does not describe the artifacts of the commit")


def check_entry(entry: Dict[str, Any], where: str) -> None:
    for name in ("number", "kind", "compression"):
        field(entry, name, int, where)
    field(entry, "role", str, where)
    stored_entry(entry, where)
    size_of(entry, "plainSize", where)
    unhex(entry.get("plainSha256"), 32, f"{where}: plainSha256")


class Expected(NamedTuple):
    """What the content of an artifact must be. Without a hash, `size` is only the limit."""

    kind: int
    compression: int
    size: int
    sha256: Optional[str]


def read_stored(repository: Repository, name: str, stored: Dict[str, Any], opening: Any, expected: Expected, sink: Any) -> None:
    """Gives the plain content of a stored artifact to `sink` and returns only if every check passed.

    Checked are every chunk, the stored size and SHA-256 against the commit, and kind, size and SHA-256 of the content
    against `expected`. Until this returns, what `sink` was given must not be used.
    """
    with repository.open(name, "corrupt") as file:
        stream = Hashing(file)
        try:
            read_content(stream, name, opening, expected, sink)
        except Failure as failure:
            # Damage can look like another format or key: if the bytes are not those that were signed, say that instead.
            stream.drain()
            if failure.kind != "corrupt" and not stream.equals(stored["size"], stored["sha256"]):
                corrupt(f"{name} is not what was stored: {failure.message}")
            raise
    if not stream.equals(stored["size"], stored["sha256"]):
        corrupt(f"{name} is not what was stored: its size or SHA-256 differs from the commit")


def read_content(stream: Hashing, name: str, opening: Any, expected: Expected, sink: Any) -> None:
    header, content = open_artifact(stream, *opening, name)
    if header != (expected.kind, expected.compression):
        corrupt(f"{name} is of another kind than the manifest says")
    size, digest = 0, hashlib.sha256()
    for piece in content:
        size += len(piece)
        if size > expected.size:
            corrupt(f"{name} holds more than the {expected.size} bytes that it should")
        digest.update(piece)
        sink(piece)
    if expected.sha256 is not None and (size, digest.hexdigest()) != (expected.size, expected.sha256):
        corrupt(f"{name}: the content is not what was captured")


def read_artifact(repository: Repository, point: Point, entry: Dict[str, Any], sink: Any) -> None:
    name = f"data/{point.commit.point}/{entry['number']:06d}"
    expected = Expected(entry["kind"], entry["compression"], entry["plainSize"], entry["plainSha256"])
    read_stored(repository, name, entry, (point.data_key, point.ids, entry["number"]), expected, with_progress(name, entry["plainSize"], sink))


def with_progress(name: str, total: int, sink: Any) -> Any:
    """On a terminal, says about every 64 MiB how far it is."""
    if not sys.stderr.isatty():
        return sink
    done = 0

    def counted(piece: bytes) -> None:
        nonlocal done
        if done // (64 * MIB) != (done + len(piece)) // (64 * MIB):
            print(f"{name}: {100 * done // total} %", end="\r", file=sys.stderr, flush=True)
        done += len(piece)
        sink(piece)

    return counted


def all_artifacts(point: Point) -> Iterator[Any]:
    """Each component with each of its artifacts."""
    for component in point.manifest["components"]:
        for entry in component["artifacts"]:
            yield component, entry


# --------------------------------------------------------------------------- choosing a point


def valid_commits(repository: Repository, trust: Trust) -> List[Commit]:
    """All restore points, oldest first. Commits that do not count are said; if none counts, the first reason is the error."""
    commits, failures = [], []
    for match in repository.names("points", COMMIT_NAME):
        try:
            commits.append(read_commit(repository, match[1], trust))
        except Failure as failure:
            failures.append(failure)
    if failures and not commits:
        raise failures[0]
    for failure in failures:
        warn(f"not a usable restore point: {failure.line()}")
    return sorted(commits, key=lambda commit: (commit.sequence, commit.point))


def choose(repository: Repository, arguments: Any, trust: Trust) -> Commit:
    """The point that the person named, or the latest of the app."""
    if arguments.point != "latest":
        if not POINT.fullmatch(arguments.point):
            raise Failure("usage", f"{arguments.point} is not a restore point", "give its 32 hexadecimal digits as `list` shows them, or latest")
        return read_commit(repository, arguments.point, trust, arguments.removed)
    commits = valid_commits(repository, trust)
    apps = sorted({commit.app for commit in commits})
    if arguments.app is None and len(apps) > 1:
        raise Failure("usage", f"the repository holds several apps: {', '.join(apps)}", "say which with --app")
    of_app = [commit for commit in commits if arguments.app in (None, commit.app)]
    if not of_app:
        raise Failure("notFound", "there is no restore point" + (f" of {arguments.app}" if arguments.app else ""), "see `list`")
    return of_app[-1]


# --------------------------------------------------------------------------- list and show


def run_list(repository: Repository, arguments: Any) -> int:
    trust = keys_from(arguments, repository).trust
    for name in [*repository.foreign("points", COMMIT_NAME), *repository.foreign("removed", COMMIT_NAME)]:
        warn(f"{name} does not belong to the repository")
    commits = valid_commits(repository, trust)
    print(f"{'sequence':>8}  {'point':<32}  {'created':<24}  {'stored':>9}  app, state")
    for commit in commits:
        print(printable(f"{commit.sequence:>8}  {commit.point}  {commit.created:<24}  {human(commit.stored_size()):>9}  {commit.app}: {state(repository, commit, trust)}"))
    sequences = {commit.sequence for commit in commits}
    for commit, until in removed_points(repository, trust, {commit.point for commit in commits}):
        sequences.add(commit.sequence)
        print(printable(f"{commit.sequence:>8}  {commit.point}  {commit.created:<24}  {human(commit.stored_size()):>9}  {commit.app}: removed, data kept until {until} (--removed)"))
    missing = sorted(set(range(1, max(sequences, default=0))) - sequences)
    if missing:
        warn(f"points {', '.join(map(str, missing[:10]))} are gone without a record of their removal: this copy may not be whole")
    return 0


def removed_points(repository: Repository, trust: Trust, present: Set[str]) -> Iterator[Any]:
    for match in repository.names("removed", COMMIT_NAME):
        if match[1] in present:
            continue
        try:
            until = read_tombstone(repository, match[1], trust).get("until")
            yield read_commit(repository, match[1], trust, removed=True), until
        except Failure as failure:
            warn(failure.line())


def state(repository: Repository, commit: Commit, trust: Trust) -> str:
    """One phrase: complete or not, and what was proven last."""
    words = ["complete" if commit.complete else "INCOMPLETE"]
    latest = {proof.get("kind"): proof for proof in read_proofs(repository, commit, trust)}
    for kind in ("verify", "drill"):
        if kind in latest:
            words.append(f"{kind} {outcome(latest[kind])} {latest[kind].get('created')}")
    note = [] if commit.note is None else [f'"{commit.note}"']
    return ", ".join([*words, *note, *map(str, commit.remarks)])


def outcome(proof: Dict[str, Any]) -> str:
    """A drill of an incomplete point that brought back all that it holds did not fail, and is not good."""
    if proof.get("ok") is True:
        return "ok"
    facts = proof.get("facts")
    return "in part" if isinstance(facts, dict) and facts.get("inPart") is True else "FAILED"


def human(size: int) -> str:
    value, unit = float(size), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def opened(repository: Repository, arguments: Any) -> Point:
    keys = keys_from(arguments, repository)
    point = open_point(repository, choose(repository, arguments, keys.trust), keys)
    if not point.commit.complete:
        warn("this point is INCOMPLETE: at least one component is missing, see `show`")
    return point


def run_show(repository: Repository, arguments: Any) -> int:
    point = opened(repository, arguments)
    commit, manifest = point.commit, point.manifest
    print(printable(f"point {commit.point}, {commit.app}, {commit.created}, {'complete' if commit.complete else 'INCOMPLETE'}"))
    for component in manifest["components"]:
        print(printable(f"component {component['name']} ({component['kind']})"))
        for entry in component["artifacts"]:
            print(printable(f"  {entry['number']:06d}  {entry['role']}: {KINDS.get(entry['kind'])}, {human(entry['plainSize'])}, stored {human(entry['size'])}"))
        for sentence in component.get("notCaptured", []):
            print(printable(f"  not captured: {sentence}"))
        for phrase in component.get("onPurpose", []):
            print(printable(f"  not captured, on purpose: {phrase}"))
    for missing in manifest.get("missing", []):
        print(printable(f"MISSING component {missing.get('name')} ({missing.get('kind')}): {missing.get('reason')}"))
    return 0


# --------------------------------------------------------------------------- check and extract


def each_artifact(point: Point, act: Any) -> int:
    """Runs `act` for every artifact, also after one failed, so that a person sees all that is lost. Gives the exit code."""
    failures = []
    for component, entry in all_artifacts(point):
        label = printable(f"{entry['number']:06d}  {component['name']}: {entry['role']}, {human(entry['plainSize'])}")
        try:
            result = act(component, entry)
            print(f"ok      {label}{printable(result or '')}", flush=True)
        except Failure as failure:
            failures.append(failure)
            print(f"FAILED  {label}", flush=True)
            print(f"recover.py: {failure.line()}", file=sys.stderr)
    return EXIT[failures[0].kind] if failures else 0


def run_check(repository: Repository, arguments: Any) -> int:
    point = opened(repository, arguments)
    code = each_artifact(point, lambda _, entry: read_artifact(repository, point, entry, lambda piece: None))
    count = len(point.commit.artifacts)
    print(f"every byte of {count} artifacts was read, decrypted and compared" if code == 0 else "this point is DAMAGED: some artifacts cannot be recovered")
    return code


def run_extract(repository: Repository, arguments: Any) -> int:
    """Writes every artifact that is whole; a damaged one leaves no file."""
    point = opened(repository, arguments)
    make_target(arguments.target)
    write_whole(arguments.target, "manifest.json", point.manifest_bytes)
    names = file_names(point)

    def extract(_: Any, entry: Dict[str, Any]) -> str:
        with whole_file(os.path.join(arguments.target, names[entry["number"]])) as file:
            read_artifact(repository, point, entry, file.write)
        return f" -> {names[entry['number']]}"

    code = each_artifact(point, extract)
    if code != 0:
        print("NOT everything could be written; what is there is whole", file=sys.stderr)
        return code
    print_next_steps(point, names, arguments.target)
    return 0


def make_target(folder: str) -> None:
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.listdir(folder):
        raise Failure("usage", f"the folder {folder} is not empty", "name a new folder, nothing is ever overwritten")


@contextlib.contextmanager
def whole_file(path: str) -> Iterator[BinaryIO]:
    """A private file that gets its name only if the block ends well, and leaves nothing otherwise."""
    partial = f"{path}.partial"
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.rename(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def write_whole(folder: str, name: str, data: bytes) -> None:
    with whole_file(os.path.join(folder, name)) as file:
        file.write(data)


def file_names(point: Point) -> Dict[int, str]:
    """A file name for each artifact. Names come from the manifest: only harmless characters are kept, none is used twice."""
    names: Dict[int, str] = {}
    for component, entry in all_artifacts(point):
        name = f"{safe(component['name'])}-{safe(entry['role'])}.{EXTENSIONS.get(entry['kind'], 'bin')}"
        names[entry["number"]] = unused(name, {"manifest.json", *names.values()})
    return names


def unused(name: str, taken: Iterable[str]) -> str:
    """This name, or one like it that differs from all that are taken even where case does not count."""
    lower = {other.lower() for other in taken}
    candidates = itertools.chain([name], (f"{count}-{name}" for count in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate.lower() not in lower)


def safe(text: str) -> str:
    """Text as part of a file name that neither leaves its folder nor looks like an option."""
    return re.sub(r"^-|[^A-Za-z0-9_-]", "_", text)[:80]


# --------------------------------------------------------------------------- what to do next


def print_next_steps(point: Point, names: Dict[int, str], target: str) -> None:
    """The commands that bring the extracted files back; nothing is run."""
    print("\nNext, in this order (nothing was run; look at each before you run it):\n")
    print(f"  cd {shlex.quote(os.path.abspath(target))}")
    for component in point.manifest["components"]:
        files = [(entry["kind"], names[entry["number"]], entry["role"]) for entry in component["artifacts"]]
        print(printable(f"  # component {component['name']} ({component['kind']})"))
        steps = {"postgres": postgres_steps, "openbao": openbao_steps, "kubernetes-secrets": kubernetes_steps}.get(component["kind"], file_steps)
        for line in steps(component, files, target):
            print(f"  {printable(line)}")


def file_steps(component: Dict[str, Any], files: List[Any], _: str) -> Iterator[str]:
    for kind, name, role in files:
        folder = f"{name.rsplit('.', 1)[0]}.content"
        if kind == 4:
            yield f"mkdir {folder} && tar -xpf {name} -C {folder}   # as root, to keep the owners"
        elif role == "entries":
            yield f"# {name}: the same entries, one a line, with exact names, owners, times and SHA-256"
        else:
            yield f"# {name}: {KINDS[kind]}; see docs of the component kind {component['kind']}"


def openbao_steps(component: Dict[str, Any], files: List[Any], _: str) -> Iterator[str]:
    """Secrets by hand, or the whole server from its snapshot, which the server takes in gzip."""
    details = component.get("details")
    program = "vault" if isinstance(details, dict) and details.get("product") == "vault" else "bao"
    for _kind, name, role in files:
        if role == "snapshot":
            yield f"gzip -k {name}   # the whole server, encrypted"
            yield f"{program} operator raft snapshot restore -force {name}.gz   # REPLACES the server; then unseal it with the keys of the captured one"
        elif role == "configuration":
            yield f"# {name}: policies, mounts and auth methods, one in each line, to set up by hand"
        else:
            yield f"# {name}: a secret in each line, its newest version last: {program} kv put -mount=<mount> <path> @<file with its data>"


def kubernetes_steps(component: Dict[str, Any], files: List[Any], target: str) -> Iterator[str]:
    """Objects that kubectl takes, without a namespace of their own: the app may come back in another."""
    details = component.get("details")
    namespace = str(details.get("namespace", "default")) if isinstance(details, dict) else "default"
    for kind, name, _role in files:
        if kind != 3 or not os.path.exists(os.path.join(target, name)):
            yield f"# {name} was not written, or is none of Secrets and ConfigMaps"
            continue
        manifests = unused(f"{name.rsplit('.', 1)[0]}-kubectl.json", os.listdir(target))
        count = write_manifests(os.path.join(target, name), os.path.join(target, manifests))
        yield f"# {manifests}: {count} Secrets and ConfigMaps; look what else writes them (GitOps, Helm, an operator) and let that do it"
        yield f"kubectl -n {shlex.quote(namespace)} diff -f {manifests}   # shows VALUES of ConfigMaps, and those of Secrets as ***"
        yield f"kubectl -n {shlex.quote(namespace)} apply --server-side -f {manifests}   # a live immutable object must be deleted first"


def write_manifests(records: str, manifests: str) -> int:
    """One List in JSON, of which one object at a time is held."""
    count = 0
    with whole_file(manifests) as file:
        file.write(b'{"apiVersion":"v1","kind":"List","items":[')
        for manifest in kubernetes_objects(records):
            file.write((b",\n" if count else b"\n") + json.dumps(manifest).encode())
            count += 1
        file.write(b"\n]}\n")
    return count


def kubernetes_objects(records: str) -> Iterator[Dict[str, Any]]:
    """The line that describes an object goes before those of its values (docs/reference/format.md, Secrets)."""
    manifest: Optional[Dict[str, Any]] = None
    binary: List[str] = []
    with open(records, "rb") as lines:
        for line in lines:
            record = parse_json(line, records)
            source = field(record, "source", dict, records)
            value = record_value(record, records)
            if "key" not in source:
                if manifest is not None:
                    yield manifest
                described = parse_json(value, records)
                binary = described.get("binaryKeys", [])
                manifest = kubernetes_object(source, described)
            elif manifest is None:
                corrupt(f"{records}: a value belongs to no object")
            elif source["object"] == "ConfigMap" and source["key"] not in binary:
                manifest.setdefault("data", {})[source["key"]] = value.decode()
            else:
                place = "binaryData" if source["object"] == "ConfigMap" else "data"
                manifest.setdefault(place, {})[source["key"]] = base64.b64encode(value).decode()
    if manifest is not None:
        yield manifest


def record_value(record: Dict[str, Any], where: str) -> bytes:
    text = field(record, "value", str, where)
    return unbase64(text, where) if record.get("encoding") == "base64" else text.encode()


def kubernetes_object(source: Dict[str, Any], described: Dict[str, Any]) -> Dict[str, Any]:
    metadata = {"name": source["name"], "labels": described.get("labels", {}), "annotations": described.get("annotations", {})}
    manifest = {"apiVersion": "v1", "kind": source["object"], "metadata": metadata}
    if described.get("type"):
        manifest["type"] = described["type"]
    if described.get("immutable"):
        manifest["immutable"] = True
    return manifest


def postgres_steps(component: Dict[str, Any], files: List[Any], target: str) -> Iterator[str]:
    """createdb from template0 with the captured locale, then pg_restore, which stops at the first error."""
    details = component.get("details")
    if not isinstance(details, dict) or not isinstance(details.get("database"), str):
        details = {"database": component["name"]}
    yield f"# needs client tools of the server's version or newer; the server was {details.get('serverVersionText', 'of unknown version')}"
    database = connection(details["database"])
    roles = write_sql(target, f"{safe(component['name'])}-create-roles.sql", role_statements(details))
    if roles:
        yield f"psql -X -v ON_ERROR_STOP=1 -d postgres -f {roles}   # roles that are missing, without passwords"
    yield createdb(details)
    for statement in leftover_statements(details):
        yield f"psql -X -v ON_ERROR_STOP=1 -d {database} -c {shlex.quote(statement)}   # every new database has it, and this one had not"
    # Before the rows: checks may lean on the time zone and the parameters of the database. What would stop a load is overridden.
    settings = write_sql(target, f"{safe(component['name'])}-settings.sql", setting_statements(details))
    if settings:
        yield f"psql -X -v ON_ERROR_STOP=1 -d {database} -f {settings}"
    money = " -c lc_monetary=C" if details.get("plainMoney") is True else ""
    yield f"export PGOPTIONS='-c default_transaction_read_only=off -c statement_timeout=0 -c array_nulls=on{money}'"
    yield from restore_steps(files, database, details)
    yield "unset PGOPTIONS"
    for table in captured_list(details, "withoutRows"):
        yield f"# without rows, on purpose: {printable(table.get('name'))}   # its rows are in no file here"
    yield f"vacuumdb --analyze-only -d {database}"
    if details.get("acl"):
        yield f"# rights on the database itself, to grant by hand: {' '.join(map(str, details['acl']))}"
    if details.get("securityLabels"):
        yield f"# security labels of the database itself, to set by hand: {printable(json.dumps(details['securityLabels']))}"


def write_sql(target: str, name: str, statements: List[str]) -> str:
    """Writes statements for psql and gives the name of the file, or an empty name when there are none."""
    if not statements:
        return ""
    free = unused(name, os.listdir(target))
    write_whole(target, free, "\n".join([*statements, ""]).encode("utf-8", "replace"))
    return free


def restore_steps(files: List[Any], database: str, details: Dict[str, Any]) -> Iterator[str]:
    """Rows that were copied outside the dump go between its sections: after the tables, before indexes and constraints."""
    dumps = [name for kind, name, _ in files if kind == 1]
    rows = [(name, role) for kind, name, role in files if kind == 2]
    sections = ["--section=pre-data --section=data ", "--section=post-data "] if rows else [""]
    for dump in dumps:
        yield f"pg_restore --exit-on-error {sections[0]}-d {database} {dump}"
    for name, role in rows:
        yield f"psql -X -v ON_ERROR_STOP=1 -d {database} -c {shlex.quote(copy_statement(details, role))} < {name}"
    if rows:
        yield from (f"pg_restore --exit-on-error {sections[1]}-d {database} {dump}" for dump in dumps)
    for kind, name, role in files:
        if role == "role-passwords":
            yield f"# only on a server that had none of these roles: psql -X -v ON_ERROR_STOP=1 -d postgres -f {name}   # their passwords"
        elif kind == 6:
            yield f"psql -X -v ON_ERROR_STOP=1 -d {database} -f {name}"
        elif kind in (3, 4):
            yield f"# {name}: {KINDS[kind]}"


def copy_statement(details: Dict[str, Any], role: str) -> str:
    """The COPY that loads the rows of one artifact; the manifest names table, columns and encoding."""
    for lane in details.get("lanes") or []:
        if lane.get("role") == role:
            columns = ", ".join(identifier(column) for column in lane["columns"])
            into = lane.get("into") or lane
            table = f"{identifier(into['schema'])}.{identifier(into['table'])}"
            encoding = literal(details.get("encoding", "UTF8"))
            form = "binary" if lane.get("format") == "binary" else "text"
            return f"COPY {table} ({columns}) FROM STDIN WITH (FORMAT {form}, ENCODING {encoding.strip()})"
    return "COPY TABLE_OF_THESE_ROWS FROM STDIN"


def createdb(details: Dict[str, Any]) -> str:
    words = ["createdb", "--template=template0"]
    for option, name in (("encoding", "encoding"), ("lc-collate", "collate"), ("lc-ctype", "ctype"), ("owner", "owner")):
        if isinstance(details.get(name), str):
            words.append(f"--{option}={details[name]}")
    if isinstance(details.get("icuLocale"), str):
        provider = "builtin" if details.get("localeProvider") == "builtin" else "icu"
        words += [f"--locale-provider={provider}", f"--{provider}-locale={details['icuLocale']}"]
    if isinstance(details.get("icuRules"), str):
        words.append(f"--icu-rules={details['icuRules']}")
    return " ".join(shlex.quote(word) for word in [*words, "--", details["database"]])


def leftover_statements(details: Dict[str, Any]) -> List[str]:
    """What a new database has and the captured one had no more: no dump drops it."""
    fingerprint = details.get("fingerprint")
    known = isinstance(fingerprint, dict) and isinstance(fingerprint.get("extensions"), list)
    extensions = [one.get("name") for one in captured_list(fingerprint, "extensions")] if known else ["plpgsql"]
    language = [] if "plpgsql" in extensions else ["DROP EXTENSION IF EXISTS plpgsql"]
    return [*language, *(["DROP SCHEMA IF EXISTS public"] if details.get("publicSchema") == "absent" else [])]


def connection(database: str) -> str:
    """A database name for -d, which would read a name with = in it as a whole connection string."""
    if re.fullmatch(r"[A-Za-z0-9_.-]+", database):
        return database
    escaped = database.replace("\\", "\\\\").replace("'", "\\'")
    return shlex.quote(f"dbname='{escaped}'")


def identifier(text: object) -> str:
    return '"' + str(text).replace('"', '""') + '"'


def literal(text: object) -> str:
    escaped = str(text).replace("'", "''")
    return " E'" + escaped.replace("\\", "\\\\") + "'" if "\\" in escaped else f"'{escaped}'"


ATTRIBUTES = {
    "login": "LOGIN", "inherit": "INHERIT", "createDatabase": "CREATEDB", "createRole": "CREATEROLE",
    "superuser": "SUPERUSER", "replication": "REPLICATION", "bypassRowSecurity": "BYPASSRLS",
}  # fmt: skip


def captured_list(details: Dict[str, Any], name: str) -> List[Dict[str, Any]]:
    values = details.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def role_statements(details: Dict[str, Any]) -> List[str]:
    """SQL for psql that makes the captured roles where they are missing and leaves those that exist as they are."""
    roles = captured_list(details, "roles")
    lines = []
    for role in roles:
        attributes = role.get("attributes") if isinstance(role.get("attributes"), dict) else {}
        words = [word if attributes.get(name) is True else f"NO{word}" for name, word in ATTRIBUTES.items()]
        if type(attributes.get("connectionLimit")) is int:
            words.append(f"CONNECTION LIMIT {attributes['connectionLimit']}")
        if attributes.get("validUntil"):
            words.append(f"VALID UNTIL {literal(attributes['validUntil'])}")
        statement = f"CREATE ROLE {identifier(role.get('name'))} {' '.join(words)}"
        lines.append(f"SELECT {literal(statement)} WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {literal(role.get('name'))}) \\gexec")
    for role in roles:
        for member in captured_list(role, "memberOf"):
            lines.append(f"GRANT {identifier(member.get('role'))} TO {identifier(role.get('name'))}{grant_options(member)};")
    return lines


def grant_options(member: Dict[str, Any]) -> str:
    """The options of a membership; INHERIT and SET exist since PostgreSQL 16 and are captured only there."""
    admin = member.get("adminOption") is True
    newer = [(word, member.get(name)) for word, name in (("INHERIT", "inheritOption"), ("SET", "setOption"))]
    known = [(word, value) for word, value in newer if type(value) is bool]
    if known:
        return " WITH " + ", ".join(f"{word} {str(value).upper()}" for word, value in [("ADMIN", admin), *known])
    return " WITH ADMIN OPTION" if admin else ""


# The value of these settings is a list, which the catalog keeps with its items already quoted.
LISTS = {"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries", "shared_preload_libraries"}


def setting_statements(details: Dict[str, Any]) -> List[str]:
    """SQL for the settings of the database and of its roles in it, which pg_restore does not bring."""
    database = identifier(details["database"])
    lines = [f"ALTER DATABASE {database} {assignment(setting)};" for setting in captured_list(details, "settings")]
    for role in captured_list(details, "roles"):
        for setting in captured_list(role, "settings"):
            scope = f" IN DATABASE {database}" if setting.get("inDatabase") is True else ""
            lines.append(f"ALTER ROLE {identifier(role.get('name'))}{scope} {assignment(setting)};")
    return lines


def assignment(setting: Dict[str, Any]) -> str:
    name, value = str(setting.get("name")), str(setting.get("value"))
    values = next(csv.reader([value], skipinitialspace=True), []) if name.lower() in LISTS else [value]
    quoted = ", ".join(literal(item) for item in values) or "''"
    return f"SET {'.'.join(identifier(part) for part in name.split('.'))} TO {quoted}"


# --------------------------------------------------------------------------- command line

COMMANDS = {"list": run_list, "show": run_show, "check": run_check, "extract": run_extract}


def parse_arguments(words: List[str]) -> Any:
    parser = argparse.ArgumentParser(prog="recover.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        command = commands.add_parser(name)
        command.add_argument("folder", help="a folder that is a repository, or a copy of one")
        if name != "list":
            command.add_argument("point", help="32 hexadecimal digits, or latest")
            command.add_argument("--app", help="with latest: of which app")
            command.add_argument("--removed", action="store_true", help="also a point that was removed, while its data is kept")
        if name == "extract":
            command.add_argument("target", help="a new or empty folder")
        command.add_argument("--identity", metavar="FILE", help="an age identity file")
        command.add_argument("--name", help="an identity of the repository, opened by its password (asked for, or HOLDFAST_PASSWORD)")
        command.add_argument("--signer", action="append", default=[], metavar="ed25519:KEY", help="a signer to trust; may be repeated")
        command.add_argument("--trust-any-signer", action="store_true", help="accept points that anyone with access to the storage could have made")
    return parser.parse_args(words)


def main(words: List[str]) -> int:
    arguments = parse_arguments(words)
    try:
        if arguments.trust_any_signer:
            warn("signers are not checked: whoever could write to the storage could have made these points")
        return COMMANDS[arguments.command](Repository(arguments.folder), arguments)
    except Failure as failure:
        print(f"recover.py: {failure.line()}", file=sys.stderr)
        return EXIT[failure.kind]
    except OSError as error:
        print(f"recover.py: unreachable: {printable(error)}; see that the disk is there, not full, and yours to write", file=sys.stderr)
        return EXIT["unreachable"]
    except (KeyboardInterrupt, EOFError):
        print("recover.py: cancelled", file=sys.stderr)
        return 130


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
