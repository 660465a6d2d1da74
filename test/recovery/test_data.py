"""Keys, manifests and artifacts that were changed on purpose, and what extract leaves behind."""

import hashlib
import json
import os
import shutil
import stat
import subprocess

from repository_case import IDENTITY, POINT, REMOVED, SIGNER, VECTORS, RepositoryCase, recover, writer


class Data(RepositoryCase):
    def test_the_highest_generation_of_keys_counts(self):
        keys = f"data/{POINT}/keys-"
        self.write(f"{keys}9", b"not an age file")
        self.write(f"{keys}10", self.read(f"{keys}1"))
        self.run_recover("check")

    def test_damaged_keys_are_said_and_passed_over(self):
        keys = f"data/{POINT}/keys-"
        for content in (b"not an age file", b"", self.read(f"data/{REMOVED}/keys-1"), bytes(2**20 + 1)):
            self.write(f"{keys}11", content)
            with self.subTest(content[:20]):
                self.assertRegex(self.run_recover("check"), "warning: corrupt: .*keys-11.*keys-1 is used instead")
        self.write(f"{keys}1", b"not an age file either")
        self.assertIn("keys-11", self.run_recover("check", code=30))

    def test_the_commit_tells_damaged_keys_from_those_for_others(self):
        good = self.read(f"data/{POINT}/keys-1")
        self.change_commit(keys={"size": len(good), "sha256": hashlib.sha256(good).hexdigest()})
        self.run_recover("check")
        at = good.index(b"-> X25519 ") + 20
        self.write(f"data/{POINT}/keys-1", good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        self.assertIn("SHA-256 differs", self.run_recover("check", code=30))

    def test_keys_of_another_point_or_for_another_commitment(self):
        os.unlink(os.path.join(self.folder, f"data/{POINT}/keys-1"))
        self.write(f"data/{POINT}/keys-2", self.read(f"data/{REMOVED}/keys-1"))
        self.assertIn("key of another point", self.run_recover("check", code=30))
        shutil.copy(os.path.join(VECTORS, f"documents/data/{POINT}/keys-1"), os.path.join(self.folder, f"data/{POINT}/keys-2"))
        self.change_commit(keyCommitment="00" * 32)
        self.assertIn("another key than the commit", self.run_recover("check", code=30))

    def test_every_changed_byte_of_the_keys_file_is_seen(self):
        name = f"data/{POINT}/keys-1"
        good = self.read(name)
        for at in range(0, len(good), 5):
            changed = bytearray(good)
            changed[at] ^= 1
            self.write(name, bytes(changed))
            with self.subTest(at), self.assertRaises(recover.Failure):
                repository = recover.Repository(self.folder)
                keys = recover.Keys(recover.read_identity_file(IDENTITY)[0], recover.Trust(set(), True))
                recover.open_point(repository, recover.read_commit(repository, POINT, keys.trust), keys)

    def test_an_identity_that_the_point_is_not_for(self):
        path = os.path.join(self.temporary, "other.txt")
        subprocess.run(["age-keygen", "-o", path], check=True, capture_output=True)
        self.run_recover("check", "--signer", writer.signer_id(SIGNER), identity=path, code=12)

    def test_stock_age_opens_the_same(self):
        path = os.path.join(self.folder, f"data/{POINT}/keys-1")
        identities, _ = recover.read_identity_file(IDENTITY)
        self.assertEqual(recover.age_by_program(path, identities, "keys")[38:], self.data_key())

    def test_long_age_files(self):
        for length in (0, 65535, 65536, 65537, 200000):
            with self.subTest(length):
                plain, identities = os.urandom(length), recover.read_identity_file(IDENTITY)[0]
                recipient = subprocess.run(["age-keygen", "-y", IDENTITY], capture_output=True, check=True, text=True).stdout.strip()
                sealed = subprocess.run(["age", "-r", recipient], input=plain, stdout=subprocess.PIPE, check=True).stdout
                self.assertEqual(recover.age_decrypt("-", sealed, identities, "file"), plain)

    def test_a_unit_that_is_missing_at_the_end(self):
        manifest = self.manifest()
        entry = manifest["components"][1]["artifacts"][0]
        entry |= self.store(2, 3, b"x" * 8192, "000002")
        self.change_manifest(manifest)
        self.assertIn("not what was captured", self.run_recover("check", code=30))

    def test_more_content_than_the_manifest_says(self):
        manifest = self.manifest()
        manifest["components"][1]["artifacts"][0]["plainSize"] -= 1
        self.change_manifest(manifest)
        self.assertIn("holds more than", self.run_recover("check", code=30))

    def test_another_kind_than_the_manifest_says(self):
        manifest = self.manifest()
        manifest["components"][1]["artifacts"][0]["kind"] = 6
        self.change_manifest(manifest)
        self.run_recover("check", code=30)

    def test_a_manifest_that_does_not_match_the_commit(self):
        manifest = self.manifest()
        for change in (lambda parts: parts.pop(), lambda parts: parts[0]["artifacts"].append(parts[0]["artifacts"][0])):
            changed = json.loads(json.dumps(manifest))
            change(changed["components"])
            commit = self.original_artifacts()
            self.change_manifest(changed)
            self.change_commit(artifacts=commit)
            self.run_recover("check", code=30)

    def original_artifacts(self):
        return self.payload(f"points/{POINT}.json")["artifacts"]

    def test_damage_that_looks_like_another_format_is_called_damage(self):
        name = f"data/{POINT}/000001"
        good = self.read(name)
        for at in (8, 9, 48, 60, 100):
            changed = bytearray(good)
            changed[at] ^= 0x40
            self.write(name, bytes(changed))
            with self.subTest(at):
                self.assertIn("is not what was stored", self.run_recover("check", code=30))

    def test_the_same_content_encrypted_again_is_not_what_was_signed(self):
        self.run_recover("extract")
        with open(os.path.join(self.target, "secrets-entries.jsonl"), "rb") as file:
            self.store(2, 3, file.read(), "000002")
        self.assertIn("differs from the commit", self.run_recover("check", code=30))

    def test_a_kind_of_the_future_is_not_called_damage(self):
        manifest = self.manifest()
        manifest["components"][1]["artifacts"][0] |= {"kind": 9, **self.store(2, 9, b"x", "000002")}
        self.change_manifest(manifest)
        self.run_recover("check", code=31)

    def test_names_in_a_manifest_cannot_leave_the_target(self):
        manifest = self.manifest()
        for component, name, role in zip(manifest["components"], ("../../evil", "..%2Fevil"), ("/etc/passwd", "\x1b[31m")):
            component["name"], component["artifacts"][0]["role"] = name, role
        self.change_manifest(manifest)
        output = self.run_recover("extract")
        self.assertNotIn("\x1b", output)
        self.assertEqual(sorted(os.listdir(self.temporary)), ["repository", "target"])
        self.assertEqual(sorted(os.listdir(self.target)), ["___2Fevil-__31m.jsonl", "______evil-_etc_passwd.tar", "manifest.json"])

    def test_a_damaged_artifact_leaves_no_file_and_the_others_are_written(self):
        name = f"data/{POINT}/000001"
        self.write(name, self.read(name)[:-1])
        output = self.run_recover("extract", code=30)
        self.assertEqual(sorted(os.listdir(self.target)), ["manifest.json", "secrets-entries.jsonl"])
        self.assertIn("NOT everything", output)
        self.assertNotIn("Next, in this order", output)

    def test_files_are_private_and_nothing_is_overwritten(self):
        self.run_recover("extract")
        self.assertEqual(stat.S_IMODE(os.stat(self.target).st_mode), 0o700)
        for name in os.listdir(self.target):
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(self.target, name)).st_mode), 0o600)
        self.assertIn("not empty", self.run_recover("extract", code=2))
