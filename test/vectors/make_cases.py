#!/usr/bin/env python3
"""Writes cases/*.json: the repository documents/ with some files changed, each signed and encrypted as it should be.

Run without arguments to write them again (the same zstd gives the same bytes), with --check to compare.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True

import components
import writer
from writer import Randomness, base64_text, envelope, header, json_bytes, seal, units

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "cases")
BASE = os.path.join(HERE, "documents")
KEYS = os.path.join(HERE, "documents-keys")
POINT, OTHER = "019aa1656e007d32b6c7d8e9f0011223", "019a9c3f1a007c21a5b6c7d8e9f00112"
COMMIT, DATA = f"points/{POINT}.json", f"data/{POINT}"
MIB = 1024 * 1024
random = Randomness("holdfast repository cases")
cases = {}


def base(name):
    with open(os.path.join(BASE, name), "rb") as file:
        return file.read()


def key_text(name):
    with open(os.path.join(KEYS, name), encoding="utf-8") as file:
        return file.read()


def decrypted(point):
    command = ["age", "-d", "-i", os.path.join(KEYS, "TEST-identity.txt"), os.path.join(BASE, f"data/{point}/keys-1")]
    return subprocess.run(command, capture_output=True, check=True).stdout


REPOSITORY = json.loads(base("holdfast.json"))["repository"]
IDS = bytes.fromhex(REPOSITORY), bytes.fromhex(POINT)
SIGNER = writer.signer_from(bytes.fromhex(json.loads(key_text("TEST-signer.json"))["seed"]))
STRANGER = writer.signer_from(random.take(32))
PASSWORD = key_text("TEST-password.txt").rstrip("\n")
RECIPIENT = next(line.split()[-1] for line in key_text("TEST-identity.txt").splitlines() if "public key" in line)
# Of somebody else: the recipient of an identity whose private half nobody kept.
SOMEBODY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
DATA_KEY = decrypted(POINT)[38:]
ENVELOPE = json.loads(base(COMMIT))
PAYLOAD = base64.b64decode(ENVELOPE["payload"])
IDENTITY = json.loads(base("identities/operator.10.json"))


def add(name, expect, changes, names=(), opened_by="identity"):
    """A case: what opening the point and reading all of it gives, and what a reader must name although it goes on."""
    encoded = {path: encode(data) for path, data in changes.items()}
    cases[name] = {"name": name, "expect": expect, "by": opened_by, "names": list(names), "changes": encoded}


def encode(data):
    """Bytes as base64; a pair of bytes and a length stands for bytes that spaces make so long; None removes a file."""
    if data is None:
        return None
    start, length = data if isinstance(data, tuple) else (data, len(data))
    return {"base64": base64_text(start), "length": length}


def commit(**changes):
    return {**json.loads(PAYLOAD), **changes}


def signed(document, signer=SIGNER, kind="commit"):
    return envelope(kind, document, signer)


def with_key_twice(text, key):
    """The same JSON object with one of its keys again, at its end, with the same value: nothing else is wrong with it."""
    again = json_bytes({key: json.loads(text)[key]})
    return text[:-1] + b"," + again[1:]


def keys_file(recipient=RECIPIENT, data_key=DATA_KEY, point=IDS[1]):
    content = writer.keys_content(IDS[0], point, data_key)
    return writer.age_file(content, recipient, random.take(16), random.take(32))


def keys():
    garbage, keys2 = b"not an age file", f"{DATA}/keys-2"
    add("keys-2-good", "ok", {keys2: keys_file(), f"{DATA}/keys-1": None})
    add("keys-2-garbage", "ok", {keys2: garbage}, [keys2])
    add("keys-2-cut-off", "ok", {keys2: keys_file()[:-1]}, [keys2])
    add("keys-2-empty", "ok", {keys2: b""}, [keys2])
    add("keys-2-of-another-point", "ok", {keys2: base(f"data/{OTHER}/keys-1")}, [keys2])
    add("keys-2-another-data-key", "ok", {keys2: keys_file(data_key=random.take(32))}, [keys2])
    add("keys-2-for-somebody-else", "ok", {keys2: keys_file(SOMEBODY)})
    add("keys-10-after-9", "ok", {f"{DATA}/keys-9": garbage, f"{DATA}/keys-10": base(f"{DATA}/keys-1")})
    add("keys-11-and-10-garbage", "ok", {f"{DATA}/keys-{n}": garbage for n in (10, 11)}, [f"{DATA}/keys-{n}" for n in (11, 10)])
    add("keys-other-names", "ok", {f"{DATA}/keys-{n}": garbage for n in ("0", "01", "02", "x", "2.tmp")})
    add("keys-all-garbage", "corrupt", {f"{DATA}/keys-1": garbage, keys2: garbage})
    # What no identity opens may be good, so it and not the damage is what is said.
    add("keys-garbage-above-somebody-else", "denied", {f"{DATA}/keys-1": keys_file(SOMEBODY), keys2: garbage})
    add("keys-somebody-else-above-garbage", "denied", {f"{DATA}/keys-1": garbage, keys2: keys_file(SOMEBODY)})
    add("keys-for-somebody-else", "denied", {f"{DATA}/keys-1": keys_file(SOMEBODY)})
    first = base(f"{DATA}/keys-1")
    add("keys-1-as-signed", "ok", {COMMIT: signed(commit(keys=described(first)))})
    add("keys-1-not-as-signed", "corrupt", {COMMIT: signed(commit(keys=described(first))), f"{DATA}/keys-1": keys_file()})
    add("keys-1-not-as-signed-2-good", "ok", {COMMIT: signed(commit(keys=described(first))), f"{DATA}/keys-1": garbage, keys2: keys_file()})
    add("keys-1-for-somebody-else-as-signed", "denied", {COMMIT: signed(commit(keys=described(other := keys_file(SOMEBODY)))), f"{DATA}/keys-1": other})
    add("keys-none", "corrupt", {f"{DATA}/keys-1": None})
    add("keys-none-of-form", "corrupt", {f"{DATA}/keys-1": None, f"{DATA}/keys-01": base(f"{DATA}/keys-1")})


def locked(password=PASSWORD, name="operator", recipient=RECIPIENT, with_sum=False, **kdf):
    work = {"name": "argon2id", "version": 19, "t": 1, "memoryKiB": 65536, "p": 1, "salt": base64_text(random.take(32)), **kdf}
    head = {"format": 1, "name": name, "recipient": recipient, "created": "2026-11-20T08:00:00.000Z", "kdf": work}
    identity = key_text("TEST-identity.txt").strip().splitlines()[-1]
    content = {"identity": identity, "signers": [writer.signer_id(SIGNER)]}
    return writer.locked_identity(head, content, password, random.take(12), with_sum)


def changed_identity(member, at, data=None):
    """Revision 11 with one bit of one member changed."""
    document = json.loads(data or locked())
    raw = bytearray(base64.b64decode(document[member]))
    raw[at] ^= 1
    return json_bytes({**document, member: base64_text(bytes(raw))})


def identities():
    def add_11(name, expect, data, named):
        path = "identities/operator.11.json"
        add(f"identity-11-{name}", expect, {path: data}, [path] if named else [], "password")

    add("identity-by-password", "ok", {}, (), "password")
    add_11("good", "ok", locked(), False)
    add_11("garbage", "ok", b"not JSON", True)
    add_11("empty", "ok", b"", True)
    add_11("key-twice", "ok", with_key_twice(locked(), "header"), True)
    add_11("damaged-ciphertext", "ok", changed_identity("ciphertext", 0), True)
    add_11("of-another-name", "ok", locked(name="other"), True)
    add_11("of-another-recipient", "ok", locked(recipient=SOMEBODY), True)
    add_11("with-sum", "ok", locked(with_sum=True), False)
    for member in ("header", "commitment", "nonce", "ciphertext"):
        add_11(f"with-sum-damaged-{member}", "ok", changed_identity(member, -1, locked(with_sum=True)), True)
    # These two cannot be told from a wrong password, after which no older revision may be tried.
    add_11("another-password", "denied", locked("another password"), False)
    add_11("damaged-commitment", "denied", changed_identity("commitment", 0), False)
    add_11("newer-format", "unsupported", json_bytes({"format": 2}), False)
    over = json.loads(locked())
    head = json.loads(base64.b64decode(over["header"]))
    head["kdf"]["memoryKiB"] = 2097153
    add_11("over-the-bounds", "unsupported", json_bytes({**over, "header": base64_text(json_bytes(head))}), False)
    garbage = {f"identities/operator.{revision}.json": b"[]" for revision in (9, 10)}
    add("identity-all-garbage", "corrupt", garbage, (), "password")
    add("identity-11-garbage-10-another-password", "corrupt", {"identities/operator.11.json": b"{", "identities/operator.10.json": locked("another")}, (), "password")


def envelopes():
    good = base(COMMIT)
    signature = ENVELOPE["signatures"][0]

    def changed(**members):
        return json_bytes({**ENVELOPE, **members})

    for name, expect, data in (
        ("newline-after", "ok", good + b"\n"),
        ("white-space-around", "ok", b"\r\n\t " + good.replace(b'":', b'" :\n') + b"\t\r\n "),
        ("one-mib", "ok", (good, MIB)),
        ("over-one-mib", "corrupt", (good, MIB + 1)),
        ("unknown-members", "ok", changed(note="x", signatures=[{**signature, "cert": {"a": [1]}}])),
        ("byte-order-mark", "corrupt", b"\xef\xbb\xbf" + good),
        ("form-feed-before", "corrupt", b"\x0c" + good),
        ("zero-byte-after", "corrupt", good + b"\0"),
        ("twice", "corrupt", good + good),
        ("cut-off", "corrupt", good[:-1]),
        ("empty", "corrupt", b""),
        ("utf-16", "corrupt", good.decode().encode("utf-16")),
        ("bad-utf-8", "corrupt", good[:-1] + b',"x":"\xff"}'),
        ("not-a-number", "corrupt", good[:-1] + b',"x":NaN}'),
        ("in-an-array", "corrupt", b"[" + good + b"]"),
        ("key-twice", "corrupt", with_key_twice(good, "payload")),
        ("key-twice-escaped", "corrupt", with_key_twice(good, "payload").replace(b',"payload"', b',"p\\u0061yload"')),
        ("unknown-key-twice", "corrupt", good[:-1] + b',"x":1,"x":1}'),
        ("key-twice-deep", "corrupt", good[:-1] + b',"x":[{"y":1,"y":1}]}'),
        ("newer-format", "unsupported", changed(format=2)),
        ("no-signature", "corrupt", changed(signatures=[])),
        ("two-signatures", "corrupt", changed(signatures=[signature, signature])),
        ("base64-with-newline", "corrupt", changed(payload=ENVELOPE["payload"] + "\n")),
        ("signer-without-padding", "corrupt", changed(signatures=[{**signature, "keyid": signature["keyid"].rstrip("=")}])),
        ("signature-cut-off", "corrupt", changed(signatures=[{**signature, "sig": base64_text(base64.b64decode(signature["sig"])[:-1])}])),
        ("signature-of-another-signer", "corrupt", changed(signatures=[{**signature, "sig": json.loads(signed(PAYLOAD, STRANGER))["signatures"][0]["sig"]}])),
        ("another-signer", "denied", signed(PAYLOAD, STRANGER)),
        ("another-signer-with-damage", "corrupt", json_bytes({**json.loads(signed(PAYLOAD, STRANGER)), "payload": base64_text(PAYLOAD + b" ")})),
        ("another-kind-of-signer", "corrupt", changed(signatures=[{**signature, "keyid": "rsa:AAAA"}])),
        ("a-proof", "corrupt", signed(PAYLOAD, SIGNER, "proof")),
        ("type-of-a-proof", "corrupt", changed(payloadType="application/vnd.holdfast.proof+json")),
    ):  # fmt: skip
        add(f"envelope-{name}", expect, {COMMIT: data})


def payloads():
    pretty = b"\n" + json.dumps(json.loads(PAYLOAD), indent=2).encode() + b"\n"
    artifacts = json.loads(PAYLOAD)["artifacts"]
    without = {name: value for name, value in commit().items() if name != "previous"}
    for name, expect, document in (
        ("white-space", "ok", pretty),
        ("unknown-members", "ok", commit(future={"a": 1})),
        ("whole-numbers-with-a-point", "ok", PAYLOAD.replace(b'"sequence":2', b'"sequence":2.0').replace(b'"format":1', b'"format":1e0')),
        ("byte-order-mark", "corrupt", b"\xef\xbb\xbf" + PAYLOAD),
        ("key-twice", "corrupt", with_key_twice(PAYLOAD, "remarks")),
        ("unknown-key-twice", "corrupt", PAYLOAD[:-1] + b',"x":{"y":1,"y":2}}'),
        ("newer-format", "unsupported", {"format": 2}),
        ("format-0", "corrupt", commit(format=0)),
        ("another-point", "corrupt", commit(point=OTHER)),
        ("another-repository", "corrupt", commit(repository="0" * 32)),
        ("repository-in-capitals", "corrupt", commit(repository=REPOSITORY.upper())),
        ("artifact-twice", "corrupt", commit(artifacts=artifacts * 2)),
        ("artifact-0", "corrupt", commit(artifacts=[{**artifacts[0], "number": 0}, artifacts[1]])),
        ("sequence-0", "corrupt", commit(sequence=0)),
        ("sequence-true", "corrupt", commit(sequence=True)),
        ("sequence-too-large", "corrupt", commit(sequence=2**53)),
        ("created-elsewhere", "corrupt", commit(created="2026-11-22T03:00:00+01:00")),
        ("without-previous", "corrupt", without),
        ("manifest-size", "corrupt", commit(manifest={**commit()["manifest"], "size": commit()["manifest"]["size"] + 1})),
        ("manifest-hash", "corrupt", commit(manifest={**commit()["manifest"], "sha256": "0" * 64})),
        ("key-commitment", "corrupt", commit(keyCommitment="0" * 64)),
    ):  # fmt: skip
        add(f"commit-{name}", expect, {COMMIT: signed(document)})


def stored(number, kind, plain, compression=1):
    stream = units(plain, 8 * MIB) if compression else plain
    return seal(DATA_KEY, header(*IDS, number, kind, compression), random.take(24), stream)


def described(data):
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def opened_manifest():
    """The manifest of documents/, read here as docs/reference/format.md says."""
    data = base(f"{DATA}/manifest")
    key, nonce, _ = writer.schedule(DATA_KEY, data[:56], data[56:80])
    sealed, stream = data[112:], b""
    for index in range(len(sealed) // 16400 + 1):
        counter = (int.from_bytes(nonce, "big") ^ index).to_bytes(12, "big")
        stream += writer.AESGCM(key).decrypt(counter, sealed[index * 16400 : (index + 1) * 16400], None)
    return subprocess.run(["zstd", "-dcq"], input=stream, capture_output=True, check=True).stdout


def with_manifest(plain, compression=1, **more):
    """A manifest of these bytes, and the commit that names it."""
    data = stored(0, 5, plain, compression)
    return {f"{DATA}/manifest": data, COMMIT: signed(commit(manifest=described(data), **more))}


def manifests():
    plain = opened_manifest()
    document = json.loads(plain)
    for name, expect, content in (
        ("white-space", "ok", b" \n" + plain + b"\n" * (2 * MIB)),
        ("unknown-members", "ok", json_bytes({**document, "future": [1]})),
        ("byte-order-mark", "corrupt", b"\xef\xbb\xbf" + plain),
        ("key-twice", "corrupt", with_key_twice(plain, "missing")),
        ("key-twice-in-details", "corrupt", plain.replace(b'"details":{}', b'"details":{"a":1,"a":2}')),
        ("newer-format", "unsupported", b'{"format":2}'),
        ("another-app", "corrupt", json_bytes({**document, "app": "other"})),
        ("another-point", "corrupt", json_bytes({**document, "point": OTHER})),
        ("without-an-artifact", "corrupt", json_bytes({**document, "components": document["components"][:1]})),
        ("empty", "corrupt", b""),
        ("over-the-limit", "corrupt", plain + b" " * (256 * MIB + 1 - len(plain))),
    ):  # fmt: skip
        add(f"manifest-{name}", expect, with_manifest(content))
    add("manifest-uncompressed", "corrupt", with_manifest(plain, compression=0))
    add("manifest-missing", "corrupt", {f"{DATA}/manifest": None})
    add("manifest-missing-and-keys-for-somebody-else", "denied", {f"{DATA}/manifest": None, f"{DATA}/keys-1": keys_file(SOMEBODY)})
    changed = bytearray(base(f"{DATA}/manifest"))
    for at, what in ((8, "version"), (48, "kind"), (60, "salt"), (100, "commitment"), (300, "chunk")):
        changed[at] ^= 1
        add(f"manifest-flipped-{what}", "corrupt", {f"{DATA}/manifest": bytes(changed)})
        changed[at] ^= 1
    add("manifest-of-nobody", "corrupt", {f"{DATA}/manifest": stored(0, 5, plain)})
    add("artifact-missing", "corrupt", {f"{DATA}/000002": None})
    add("artifact-of-nobody", "corrupt", {f"{DATA}/000002": stored(2, 3, rows_of_documents())})


def rows_of_documents():
    return b"".join(json_bytes({"id": row, "name": f"entry {row}"}) + b"\n" for row in range(1000))


def repository():
    good = base("holdfast.json")
    foreign = ["points/README", f"points/{POINT.upper()}.json", f"points/{POINT}.json.tmp", "removed/note.txt"]
    ignored = ["note.txt", f"{DATA}/notes", f"{DATA}/0000001", "data/notes", f"proofs/{POINT}/x", "identities/README", "leases/x", "other/x"]
    add("foreign-names", "ok", {name: b"x" for name in foreign + ignored}, foreign)
    for name, expect, data in (
        ("white-space", "ok", b"\n " + good + b"\n"),
        ("unknown-members", "ok", good[:-1] + b',"x":[1]}'),
        ("one-mib", "ok", (good, MIB)),
        ("over-one-mib", "corrupt", (good, MIB + 1)),
        ("byte-order-mark", "corrupt", b"\xef\xbb\xbf" + good),
        ("key-twice", "corrupt", with_key_twice(good, "created")),
        ("newer-format", "unsupported", b'{"format":2}'),
        ("missing", "notFound", None),
    ):
        add(f"marker-{name}", expect, {"holdfast.json": data})
    add("point-missing", "notFound", {COMMIT: None})


def component(name, kind, details, artifacts):
    """A component of these artifacts (number, role, kind, plain content), and their files."""
    records, files = [], {}
    for number, role, artifact_kind, plain in artifacts:
        data = stored(number, artifact_kind, plain)
        files[f"{DATA}/{number:06d}"] = data
        facts = {"plainSize": len(plain), "plainSha256": hashlib.sha256(plain).hexdigest(), **described(data)}
        records.append({"number": number, "role": role, "kind": artifact_kind, "compression": 1, **facts})
    window = {"started": "2026-11-22T02:00:00.000Z", "finished": "2026-11-22T02:01:00.000Z"}
    return {"name": name, "kind": kind, **window, "notCaptured": [], "details": details, "artifacts": records}, files


def add_components(name, expect, *made):
    """A case whose point has these components; `expect` is what reading their contents as docs/reference/format.md has them gives."""
    documents, files = [one for one, _ in made], {name: data for _, some in made for name, data in some.items()}
    manifest = json_bytes({**json.loads(opened_manifest()), "components": documents})
    records = [record for one in documents for record in one["artifacts"]]
    sizes = [sum(record["size"] for record in one["artifacts"]) for one in documents]
    public = [{"name": one["name"], "kind": one["kind"], "complete": True, "bytes": size} for one, size in zip(documents, sizes)]
    listed = [{name: record[name] for name in ("number", "size", "sha256")} for record in records]
    add(name, "ok", {f"{DATA}/{number:06d}": None for number in (1, 2)} | files | with_manifest(manifest, artifacts=listed, components=public))
    cases[name]["content"] = expect


def files_case(name, expect, archive, listed, details):
    add_components(f"files-{name}", expect, component("keys", "files", details, [(1, "content", 4, archive), (2, "entries", 3, listed)]))


def files():
    entries = components.walk_order(components.every_kind())
    archive, listed, details = components.files_component(entries)
    files_case("every-kind", "ok", archive, listed, details)
    files_case("list-cut-off", "corrupt", archive, listed[:-1], details)
    files_case("list-of-another-hash", "corrupt", archive, listed, {**details, "entriesSha256": "0" * 64})
    one_less = components.files_component(entries[:-1])
    files_case("archive-without-an-entry", "corrupt", one_less[0], listed, details)
    files_case("archive-with-one-more", "corrupt", archive, *one_less[1:])
    other = [(entry, [b"other\n"] if entry["path"] == b"sparse" else contents) for entry, contents in entries]
    files_case("content-of-another-hash", "corrupt", components.files_component(other)[0], listed, details)
    for name, changed in (
        ("out-of-order", [entries[0], entries[2], entries[1], *entries[3:]]),
        ("without-its-root", entries[1:]),
        ("same-name-twice", [*entries[:2], *entries[1:]]),
        ("out-of-the-folder", [*entries, (components.some("file", b"../x"), [b"x"])]),
        ("in-no-folder", [*entries, (components.some("file", b"zz/x"), [b"x"])]),
        ("link-out-not-marked", [*entries, (components.some("symlink", b"zz", target=b"../x"), [b""])]),
        ("four-versions", [*entries, (components.some("file", b"zz"), [b"1", b"2", b"3", b"4"])]),
    ):
        files_case(name, "corrupt", *components.files_component(changed))


COLUMNS = ["id", "note", "raw"]
ROWS = [(1, "tab\there", b"\0\xff"), (2, None, b""), (3, "line\nbreak \\. \\N", None), (4, "", b"x"), (5, "\\.", b"\\x")]


def binary(rows):
    return components.binary_part([(components.number(id), note if note is None else note.encode(), raw) for id, note, raw in rows])


def text(rows):
    return components.text_part([(str(id), note, None if raw is None else "\\x" + raw.hex()) for id, note, raw in rows])


def lanes_case(name, expect, parts, form, **more):
    roles = [f"rows-{at:04d}" for at in range(1, len(parts) + 1)]
    lanes = [{"role": role, "schema": "public", "table": "t", "columns": COLUMNS, "format": form, **more} for role in roles]
    dump = (1, "dump", 1, b"a stand-in: no reader of the repository looks into a dump\n")
    rows = [(at, role, 2, part) for at, (role, part) in enumerate(zip(roles, parts), 2)]
    details = {"database": "app", "encoding": "UTF8", "lanes": lanes}
    add_components(f"lanes-{name}", expect, component("database", "postgres", details, [dump, *rows]))


def lanes():
    whole = binary(ROWS)
    lanes_case("binary-in-three-parts", "ok", [binary(ROWS[:2]), binary([]), binary(ROWS[2:])], "binary")
    lanes_case("text-in-three-parts", "ok", [text(ROWS[:2]), b"", text(ROWS[2:])], "text")
    lanes_case("binary-of-partitions", "ok", [binary(ROWS[:2]), binary(ROWS[2:])], "binary", into={"schema": "public", "table": "all"})
    lanes_case("binary-header-once", "corrupt", [binary(ROWS[:2])[:-2], binary(ROWS[2:])[19:]], "binary")
    lanes_case("binary-without-trailer", "corrupt", [whole[:-2]], "binary")
    lanes_case("binary-two-in-one", "corrupt", [whole + whole], "binary")
    lanes_case("binary-with-flags", "corrupt", [whole[:11] + b"\0\1\0\0" + whole[15:]], "binary")
    lanes_case("binary-one-column-less", "corrupt", [components.binary_part([(components.number(1), b"x")])], "binary")
    lanes_case("text-with-end-marker", "corrupt", [text(ROWS) + b"\\.\n"], "text")
    lanes_case("text-without-last-newline", "corrupt", [text(ROWS)[:-1]], "text")
    lanes_case("text-in-binary", "corrupt", [text(ROWS)], "binary")


def left_out():
    """A table whose rows are left out on purpose: nothing of it is missing."""
    tables = [{"name": '"Audit Log"."Events"', "bytes": "16384"}]
    details = {"database": "app", "encoding": "UTF8", "lanes": [], "withoutRows": tables}
    dump = (1, "dump", 1, b"a stand-in: no reader of the repository looks into a dump\n")
    document, files = component("database", "postgres", details, [dump])
    phrase = 'rows of "Audit Log"."Events" (0.0 MB); a swap carries the live ones over'
    add_components("rows-left-out", "ok", ({**document, "onPurpose": [phrase]}, files))


def encoded(case):
    return json.dumps(case, indent=2) + "\n"


def sum_of(data):
    return hashlib.sha256(data).hexdigest().encode() + b"\n"


def sums_of_keys():
    keys2, other = f"{DATA}/keys-2", keys_file(SOMEBODY)
    sum2, good = f"{keys2}.sha256", keys_file()
    add("keys-2-with-sum", "ok", {keys2: good, sum2: sum_of(good)})
    add("keys-2-with-sum-of-others", "ok", {keys2: good, sum2: sum_of(other)}, [sum2])
    add("keys-2-not-as-its-sum", "ok", {keys2: other, sum2: sum_of(good)}, [keys2])
    add("keys-2-alone-not-as-its-sum", "corrupt", {f"{DATA}/keys-1": None, keys2: other, sum2: sum_of(good)})
    add("keys-2-alone-for-somebody-else", "denied", {f"{DATA}/keys-1": None, keys2: other, sum2: sum_of(other)})
    add("keys-2-sum-alone", "ok", {sum2: sum_of(good)})


def main():
    for make in (keys, identities, envelopes, payloads, manifests, repository, files, lanes, sums_of_keys, left_out):
        make()
    if "--check" in sys.argv:
        return check()
    os.makedirs(FOLDER, exist_ok=True)
    for name in os.listdir(FOLDER):
        os.unlink(os.path.join(FOLDER, name))
    for name, case in cases.items():
        with open(os.path.join(FOLDER, f"{name}.json"), "w", encoding="ascii") as file:
            file.write(encoded(case))
    print(f"{len(cases)} cases")
    return 0


def check():
    different = {name[:-5] for name in os.listdir(FOLDER)} ^ cases.keys()
    for name in cases.keys() - different:
        with open(os.path.join(FOLDER, f"{name}.json"), encoding="ascii") as file:
            if file.read() != encoded(cases[name]):
                different.add(name)
    print(f"different: {', '.join(sorted(different))}" if different else "the same")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
