"""Writes the repository format of docs/reference/format.md, from that text alone.

Shares no code with recover.py nor with src/repository, so that a misunderstanding in one of the three shows as a
difference. Nothing here is fit for real data: whole contents are held in memory and the randomness is given.
"""

import base64
import hashlib
import hmac
import json
import struct
import subprocess
import unicodedata

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

CHUNK = 16384
MAGIC = b"\x89HLD\r\n\x1a\n"


class Randomness:
    """A reproducible stream of bytes: SHA-256 of a seed and a counter."""

    def __init__(self, seed):
        self._seed, self._counter = seed.encode(), 0

    def take(self, length):
        output = b""
        while len(output) < length:
            output += hashlib.sha256(self._seed + b"\0" + str(self._counter).encode()).digest()
            self._counter += 1
        return output[:length]


def base64_text(data):
    return base64.b64encode(data).decode()


def json_bytes(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def header(repository, point, number, kind, compression, version=1, suite=1, length=56, reserved=bytes(6)):
    clear = MAGIC + struct.pack(">BBH", version, suite, length) + repository + point
    return clear + struct.pack(">IBB", number, kind, compression) + reserved


def schedule(data_key, clear, salt):
    """K, N and the key commitment."""
    context = b"holdfast/1" + b"\0" + clear
    info = b"c2sp.org/chunked-encryption@v1+" + b"AEAD_AES_256_GCM" + b"\0" + salt + context
    output = HKDFExpand(hashes.SHA512(), 76, info).derive(data_key)
    return output[:32], output[32:44], output[44:]


def seal_chunk(key, nonce, index, plain):
    counter = index.to_bytes(12, "big")
    return AESGCM(key).encrypt(bytes(a ^ b for a, b in zip(nonce, counter)), plain, None)


def seal(data_key, clear, salt, stream):
    """An artifact: header, salt, commitment, and the chunks of `stream`, of which the last is short."""
    key, nonce, commitment = schedule(data_key, clear, salt)
    count = len(stream) // CHUNK + 1
    chunks = (seal_chunk(key, nonce, index, stream[index * CHUNK : (index + 1) * CHUNK]) for index in range(count))
    return clear + salt + commitment + b"".join(chunks)


def zstd_frame(plain, *options):
    """A frame of stock zstd, with checksum; from a pipe, so its header does not say how much it gives."""
    return subprocess.run(["zstd", "-qc", "-3", *options], input=plain, stdout=subprocess.PIPE, check=True).stdout


def sized_zstd_frame(plain):
    """A frame whose header says how much it gives."""
    return zstd_frame(plain, f"--stream-size={len(plain)}")


def unit(frame, plain_length, magic=b"\x50\x2a\x4d\x18", inner=8):
    return magic + struct.pack("<III", inner, len(frame), plain_length) + frame


def units(plain, size):
    pieces = (plain[start : start + size] for start in range(0, len(plain), size))
    return b"".join(unit(sized_zstd_frame(piece), len(piece)) for piece in pieces)


def signer_id(signer):
    return "ed25519:" + base64_text(signer.public_key().public_bytes_raw())


def envelope(kind, document, signer):
    """A signed document as DSSE; `document` may be the bytes of its payload."""
    payload = document if isinstance(document, bytes) else json_bytes(document)
    payload_type = f"application/vnd.holdfast.{kind}+json"
    lengths = (str(len(payload_type)), payload_type, str(len(payload)))
    signed = " ".join(("DSSEv1", *lengths)).encode() + b" " + payload
    signature = {"keyid": signer_id(signer), "sig": base64_text(signer.sign(signed))}
    return json_bytes({"payloadType": payload_type, "payload": base64_text(payload), "signatures": [signature]})


def bech32_data(text):
    """The 32 bytes of an age recipient or identity; its checksum is not looked at."""
    values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(letter) for letter in text.lower().rpartition("1")[2][:-6]]
    bits = "".join(f"{value:05b}" for value in values)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def age_file(content, recipient, file_key, share_key):
    """An age file (age-encryption.org/v1) for one X25519 recipient, of given randomness; content of one chunk."""

    def hkdf(material, salt, info):
        return HKDF(hashes.SHA256(), 32, salt, info).derive(material)

    def text(data):
        return base64.b64encode(data).rstrip(b"=")

    public, share = bech32_data(recipient), X25519PrivateKey.from_private_bytes(share_key)
    share_text = share.public_key().public_bytes_raw()
    secret = share.exchange(X25519PublicKey.from_public_bytes(public))
    wrap = hkdf(secret, share_text + public, b"age-encryption.org/v1/X25519")
    body = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
    head = b"age-encryption.org/v1\n-> X25519 " + text(share_text) + b"\n" + text(body) + b"\n---"
    mac = hmac.digest(hkdf(file_key, b"", b"header"), head, "sha256")
    nonce = hashlib.sha256(share_key).digest()[:16]
    payload = ChaCha20Poly1305(hkdf(file_key, nonce, b"payload")).encrypt(bytes(11) + b"\1", content, None)
    return head + b" " + text(mac) + b"\n" + nonce + payload


def signer_from(seed):
    return Ed25519PrivateKey.from_private_bytes(seed)


def keys_content(repository, point, data_key):
    return b"HFKEY1" + repository + point + data_key


def key_commitment(repository, point, data_key):
    info = b"holdfast/1 data key" + b"\0" + repository + point
    return HKDFExpand(hashes.SHA512(), 32, info).derive(data_key)


def locked_identity(head, content, password, nonce, with_sum=False):
    """The file identities/<name>.<revision>.json; `head` holds the Argon2id parameters and is authenticated."""
    kdf, clear = head["kdf"], json_bytes(head)
    salt = base64.b64decode(kdf["salt"])
    stretch = Argon2id(salt=salt, length=32, iterations=kdf["t"], lanes=kdf["p"], memory_cost=kdf["memoryKiB"])
    secret = stretch.derive(unicodedata.normalize("NFC", password).encode())
    both = HKDF(hashes.SHA512(), 64, None, b"holdfast/1 identity" + b"\0" + clear).derive(secret)
    ciphertext = AESGCM(both[:32]).encrypt(nonce, json_bytes(content), clear)
    fields = {"header": clear, "commitment": both[32:], "nonce": nonce, "ciphertext": ciphertext}
    sums = {"sha256": hashlib.sha256(b"".join(fields.values())).hexdigest()} if with_sum else {}
    return json_bytes({**{name: base64_text(value) for name, value in fields.items()}, **sums})
