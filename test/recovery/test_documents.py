"""Documents that were changed on purpose: identities, envelopes, commits, proofs, tombstones."""

import base64
import json
import os
import shutil
import unicodedata
from unittest import mock

from repository_case import IDENTITY, PASSWORD, POINT, REMOVED, VECTORS, RepositoryCase, recover, writer


class Documents(RepositoryCase):
    def test_a_password_in_the_other_unicode_form(self):
        self.assertNotEqual(PASSWORD, unicodedata.normalize("NFC", PASSWORD))
        self.run_recover("check", password=unicodedata.normalize("NFC", PASSWORD))
        self.run_recover("check", "--name", "operator", password=PASSWORD)

    def test_only_the_highest_revision_of_an_identity_counts(self):
        self.assertIn("operator.10.json", self.run_recover("check", password="the older password", code=12))

    def test_argon2_parameters_outside_the_bounds_are_not_run(self):
        for name, value in (("memoryKiB", 65535), ("memoryKiB", 2097153), ("t", 0), ("t", 17), ("p", 17), ("name", "scrypt"), ("version", 16)):
            document = json.loads(self.read("identities/operator.10.json"))
            header = json.loads(base64.b64decode(document["header"]))
            header["kdf"][name] = value
            document["header"] = writer.base64_text(writer.json_bytes(header))
            self.write("identities/operator.10.json", writer.json_bytes(document))
            with self.subTest(name=name, value=value), mock.patch.object(recover, "argon2id", side_effect=AssertionError):
                self.run_recover("check", password=PASSWORD, code=31)
            shutil.copy(os.path.join(VECTORS, "documents/identities/operator.10.json"), os.path.join(self.folder, "identities"))

    def test_a_damaged_identity_with_the_right_password(self):
        document = json.loads(self.read("identities/operator.10.json"))
        ciphertext = bytearray(base64.b64decode(document["ciphertext"]))
        ciphertext[0] ^= 1
        document["ciphertext"] = writer.base64_text(bytes(ciphertext))
        self.write("identities/operator.10.json", writer.json_bytes(document))
        self.run_recover("check", password=PASSWORD, code=30)

    def test_a_wrong_signature(self):
        name = f"points/{POINT}.json"
        envelope = json.loads(self.read(name))
        document = {**self.payload(name), "app": "another"}
        envelope["payload"] = writer.base64_text(writer.json_bytes(document))
        self.write(name, writer.json_bytes(envelope))
        self.assertIn("wrong signature", self.run_recover("check", code=30))

    def test_an_envelope_with_two_signatures_or_of_another_type(self):
        name = f"points/{POINT}.json"
        envelope = json.loads(self.read(name))
        self.write(name, writer.json_bytes({**envelope, "signatures": envelope["signatures"] * 2}))
        self.run_recover("check", code=30)
        self.sign(name, json.loads(base64.b64decode(envelope["payload"])), "proof")
        self.run_recover("check", code=30)

    def test_a_commit_of_another_point_repository_or_format(self):
        original = self.payload(f"points/{POINT}.json")
        for change, code in (({"point": REMOVED}, 30), ({"repository": "0" * 32}, 30), ({"format": 2}, 31), ({"sequence": True}, 30), ({"artifacts": original["artifacts"] * 2}, 30)):
            with self.subTest(change):
                self.sign(f"points/{POINT}.json", {**original, **change})
                self.run_recover("check", code=code)

    def test_json_that_readers_must_reject(self):
        good = self.read("holdfast.json")
        too_long = good[:-1] + b"," + b" " * (1024 * 1024) + b'"x":1}'
        bad = (b'{"format":1,' + good[1:], b"\xef\xbb\xbf" + good, good[:-1], b"[]", b"[" * 100000, good[:-1] + b',"x":NaN}', good[:-1] + b',"x":"\xff"}', too_long)
        for data in bad:
            with self.subTest(data[:40]):
                self.write("holdfast.json", data)
                self.run_recover("list", code=30)
        self.assertIn("larger than 1 MiB", self.run_recover("list", code=30))
        self.write("holdfast.json", good[:-1] + b',"unknown":[1]}')
        self.run_recover("list")

    def test_base64_that_is_not_canonical(self):
        name = f"points/{POINT}.json"
        envelope = json.loads(self.read(name))
        for bad in (envelope["payload"] + "\n", envelope["payload"].rstrip("=") + "====", " " + envelope["payload"], 7):
            with self.subTest(repr(bad)[-20:]):
                self.write(name, writer.json_bytes({**envelope, "payload": bad}))
                self.run_recover("check", code=30)
        for text in ("QQ", "QR==", "QQ=", "Q-==", "QQ==\n"):
            with self.subTest(text), self.assertRaises(recover.Failure):
                recover.unbase64(text, "test")

    def test_a_proof_about_another_commit_does_not_count(self):
        self.assertIn("verify ok", self.run_recover("list"))
        self.change_commit(remarks=["changed"])
        output = self.run_recover("list")
        self.assertNotIn("verify ok", output)
        self.assertIn("about another commit", output)

    def test_a_drill_of_an_incomplete_point_is_neither_ok_nor_failed(self):
        folder = os.path.join(self.folder, f"proofs/{POINT}")
        name = f"proofs/{POINT}/{sorted(os.listdir(folder))[-1]}"
        proof = {**self.payload(name), "kind": "drill", "ok": False}
        drill = f"proofs/{POINT}/20991122T020000000Z-drill.json"
        self.sign(drill, {**proof, "facts": {"inPart": True}}, "proof")
        self.assertIn("drill in part", self.run_recover("list"))
        self.sign(drill, {**proof, "facts": {}}, "proof")
        self.assertIn("drill FAILED", self.run_recover("list"))

    def test_a_gap_in_the_sequence_is_said(self):
        self.change_commit(sequence=4)
        self.assertIn("points 2, 3 are gone", self.run_recover("list"))

    def test_a_removed_point_opens_only_on_request(self):
        self.assertIn("--removed", self.run_recover("check", point=REMOVED, code=10))
        self.run_recover("check", "--removed", point=REMOVED)

    def test_a_signer_that_is_not_trusted(self):
        stranger = writer.signer_from(b"a stranger's seed of 32 bytes...")
        name = f"points/{POINT}.json"
        self.write(name, writer.envelope("commit", self.payload(name), stranger))
        self.assertIn("not a trusted signer", self.run_recover("check", code=12))

    def test_a_newer_repository(self):
        self.write("holdfast.json", self.read("holdfast.json").replace(b'"format":1', b'"format":2'))
        self.run_recover("list", code=31)

    def test_an_identity_with_a_typing_error(self):
        path = os.path.join(self.temporary, "typed.txt")
        with open(IDENTITY, encoding="utf-8") as good, open(path, "w", encoding="utf-8") as typed:
            text = good.read().rstrip()
            typed.write(text[:-1] + ("Q" if text[-1] != "Q" else "P"))
        self.assertIn("wrong checksum", self.run_recover("check", identity=path, code=2))
