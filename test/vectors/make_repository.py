#!/usr/bin/env python3
"""Writes documents/, a complete small repository, and documents-keys/, what opens it.

The keys are TEST KEYS: they are public and must never protect anything. Two points: sequence 1 was removed and its
data is still there, sequence 2 is whole. Needs the programs age and zstd; every run gives other keys files, because
age draws its own randomness.
"""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile

sys.dont_write_bytecode = True

import writer
from writer import Randomness, base64_text, envelope, header, json_bytes, seal, units

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY_FOLDER = os.path.join(HERE, "documents")
KEYS_FOLDER = os.path.join(HERE, "documents-keys")
SOFTWARE = "make_repository.py 1"
# With letters that Unicode writes in two ways, here decomposed: readers must bring a password into NFC.
PASSWORD = "Cafe\u0301 TEST-ONLY horse battery"

random = Randomness("holdfast test repository")
REPOSITORY = bytes.fromhex("0c5a8e7b41d24f0e9a63b1f2c7d88e15")
SIGNER = writer.signer_from(random.take(32))
REMOVED_POINT = bytes.fromhex("019a9c3f1a007c21a5b6c7d8e9f00112")
POINT = bytes.fromhex("019aa1656e007d32b6c7d8e9f0011223")


def write(name, data):
    path = os.path.join(REPOSITORY_FOLDER, *name.split("/"))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "xb") as file:
        file.write(data)


def write_key(name, text):
    os.makedirs(KEYS_FOLDER, exist_ok=True)
    with open(os.path.join(KEYS_FOLDER, name), "w", encoding="utf-8") as file:
        file.write(text)


def tar_content():
    """A pax archive as a files component holds it: a folder, two files, a symbolic link."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in (("tls", None), ("tls/ca.pem", b"-----BEGIN TEST-----\n" * 40), ("schl\u00fcssel.txt", b"key\n")):
            member = tarfile.TarInfo(name)
            member.mtime, member.mode = 1763776800.25, 0o700 if data is None else 0o600
            member.type, member.size = (tarfile.DIRTYPE, 0) if data is None else (tarfile.REGTYPE, len(data))
            archive.addfile(member, io.BytesIO(data or b""))
        link = tarfile.TarInfo("current")
        link.type, link.linkname, link.mtime = tarfile.SYMTYPE, "tls/ca.pem", 1763776800
        archive.addfile(link)
    return output.getvalue()


def row_content():
    return b"".join(json_bytes({"id": row, "name": f"entry {row}"}) + b"\n" for row in range(1000))


def age_identity():
    """A new age identity with its recipient, from stock age."""
    text = subprocess.run(["age-keygen"], capture_output=True, check=True, text=True).stdout
    identity = text.strip().splitlines()[-1]
    return identity, recipient_of(identity)


def recipient_of(identity):
    done = subprocess.run(["age-keygen", "-y"], input=identity + "\n", capture_output=True, check=True, text=True)
    return done.stdout.strip()


def store_artifact(point, data_key, number, kind, compression, plain, name):
    """Writes an artifact and gives what commit and manifest say of it."""
    stream = units(plain, 8192) if compression else plain
    stored = seal(data_key, header(REPOSITORY, point, number, kind, compression), random.take(24), stream)
    write(f"data/{point.hex()}/{name}", stored)
    described = {"number": number, "size": len(stored), "sha256": hashlib.sha256(stored).hexdigest()}
    plain_facts = {"plainSize": len(plain), "plainSha256": hashlib.sha256(plain).hexdigest()}
    return {**described, "kind": kind, "compression": compression, **plain_facts}


def component(name, kind, created, role, artifact):
    window = {"started": created, "finished": created}
    return {"name": name, "kind": kind, **window, "notCaptured": [], "details": {}, "artifacts": [{**artifact, "role": role}]}


def store_point(point, sequence, previous, created, contents, recipients):
    """Writes data, manifest and keys of a point in the order of the format, and gives the bytes of its commit."""
    data_key = random.take(32)
    components = []
    for number, (name, kind_of_component, role, kind, compression, plain) in enumerate(contents, 1):
        artifact = store_artifact(point, data_key, number, kind, compression, plain, f"{number:06d}")
        components.append(component(name, kind_of_component, created, role, artifact))
    ids = {"format": 1, "repository": REPOSITORY.hex(), "point": point.hex()}
    about = {"app": "authentik", "created": created, "software": SOFTWARE}
    manifest = json_bytes({**ids, **about, "components": components, "missing": []})
    stored_manifest = store_artifact(point, data_key, 0, 5, 1, manifest, "manifest")
    store_keys(point, data_key, recipients)
    artifacts = [entry for one in components for entry in one["artifacts"]]
    return json_bytes_of_commit(ids, about, sequence, previous, components, artifacts, stored_manifest, point, data_key)


def json_bytes_of_commit(ids, about, sequence, previous, components, artifacts, manifest, point, data_key):
    def public(entry, *names):
        return {name: entry[name] for name in names}

    sizes = {one["name"]: sum(entry["size"] for entry in one["artifacts"]) for one in components}
    document = {
        **ids, **about, "sequence": sequence, "previous": previous, "complete": True,
        "components": [{**public(one, "name", "kind"), "complete": True, "bytes": sizes[one["name"]]} for one in components],
        "artifacts": [public(entry, "number", "size", "sha256") for entry in artifacts],
        "manifest": public(manifest, "size", "sha256"),
        "keyCommitment": writer.key_commitment(REPOSITORY, point, data_key).hex(),
        "remarks": [],
    }  # fmt: skip
    return envelope("commit", document, SIGNER)


def store_keys(point, data_key, recipients):
    content = writer.keys_content(REPOSITORY, point, data_key)
    words = [word for recipient in recipients for word in ("-r", recipient)]
    write(f"data/{point.hex()}/keys-1", subprocess.run(["age", "-e", *words], input=content, stdout=subprocess.PIPE, check=True).stdout)


def store_identity(identity, recipient):
    kdf = {"name": "argon2id", "version": 19, "t": 3, "memoryKiB": 65536, "p": 4, "salt": base64_text(random.take(32))}
    head = {"format": 1, "name": "operator", "recipient": recipient, "created": "2026-11-20T08:00:00.000Z", "kdf": kdf}
    content = {"identity": identity, "signers": [writer.signer_id(SIGNER)]}
    # An older revision with an older password: readers must take the highest number, not the last name.
    write("identities/operator.9.json", writer.locked_identity(head, content, "the older password", random.take(12)))
    write("identities/operator.10.json", writer.locked_identity(head, content, PASSWORD, random.take(12)))


def store_proof(point, commit):
    ids = {"format": 1, "repository": REPOSITORY.hex(), "point": point.hex()}
    facts = {"commitSha256": hashlib.sha256(commit).hexdigest(), "facts": {"artifacts": 2}}
    document = {**ids, "kind": "verify", "created": "2026-11-22T03:00:00.000Z", "software": SOFTWARE, "ok": True, **facts}
    write(f"proofs/{point.hex()}/20261122T030000000Z-verify.json", envelope("proof", document, SIGNER))


def store_tombstone(point, commit):
    document = {
        "format": 1, "repository": REPOSITORY.hex(), "point": point.hex(), "created": "2026-11-22T04:00:00.000Z",
        "reason": "test", "until": "2026-11-25T04:00:00.000Z", "commit": base64_text(commit),
    }  # fmt: skip
    write(f"removed/{point.hex()}.json", envelope("tombstone", document, SIGNER))


def main():
    for folder in (REPOSITORY_FOLDER, KEYS_FOLDER):
        shutil.rmtree(folder, ignore_errors=True)
    (identity, recipient), (_, other_recipient) = age_identity(), age_identity()
    marker = {"format": 1, "repository": REPOSITORY.hex(), "created": "2026-11-20T08:00:00.000Z", "software": SOFTWARE}
    write("holdfast.json", json_bytes(marker))
    store_identity(identity, recipient)
    recipients = [other_recipient, recipient]
    old = [("files", "files", "content", 4, 1, tar_content())]
    removed = store_point(REMOVED_POINT, 1, None, "2026-11-21T02:00:00.000Z", old, recipients)
    new = [*old, ("secrets", "openbao", "entries", 3, 1, row_content())]
    previous = hashlib.sha256(removed).hexdigest()
    commit = store_point(POINT, 2, previous, "2026-11-22T02:00:00.000Z", new, recipients)
    store_tombstone(REMOVED_POINT, removed)
    write(f"points/{POINT.hex()}.json", commit)
    store_proof(POINT, commit)
    write_key("TEST-identity.txt", f"# TEST KEY, public: never use it\n# signer: {writer.signer_id(SIGNER)}\n# public key: {recipient}\n{identity}\n")
    write_key("TEST-password.txt", PASSWORD + "\n")
    seed = SIGNER.private_bytes_raw().hex()
    write_key("TEST-signer.json", json_bytes({"seed": seed, "signer": writer.signer_id(SIGNER)}).decode() + "\n")


if __name__ == "__main__":
    main()
