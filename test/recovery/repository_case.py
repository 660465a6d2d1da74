"""A copy of the test repository that a test may damage, and recover.py run on it.

Documents are signed again after a change, with the test signer, so that it is the check under test that rejects them
and not the signature.
"""

import base64
import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

sys.dont_write_bytecode = True

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VECTORS = os.path.join(ROOT, "test", "vectors")
KEYS = os.path.join(VECTORS, "documents-keys")
sys.path[:0] = [os.path.join(ROOT, "src", "repository", "recovery"), VECTORS]

import recover
import writer

with open(os.path.join(KEYS, "TEST-signer.json"), encoding="ascii") as file:
    SIGNER = writer.signer_from(bytes.fromhex(json.load(file)["seed"]))
with open(os.path.join(KEYS, "TEST-password.txt"), encoding="utf-8") as file:
    PASSWORD = file.read().rstrip("\n")
IDENTITY = os.path.join(KEYS, "TEST-identity.txt")
POINT = "019aa1656e007d32b6c7d8e9f0011223"
REMOVED = "019a9c3f1a007c21a5b6c7d8e9f00112"


class RepositoryCase(unittest.TestCase):
    """A test with a repository of its own in `self.folder`, and a target that does not exist yet."""

    def setUp(self):
        self.temporary = tempfile.mkdtemp(prefix="holdfast-recover-")
        self.addCleanup(shutil.rmtree, self.temporary)
        self.folder = os.path.join(self.temporary, "repository")
        self.target = os.path.join(self.temporary, "target")
        shutil.copytree(os.path.join(VECTORS, "documents"), self.folder)

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)

    def run_recover(self, command, *words, code=0, password=None, point="latest", identity=IDENTITY):
        """Runs a command of recover.py and gives what it printed, after its exit code was compared."""
        names = {"list": [], "extract": [point, self.target]}.get(command, [point])
        opening = [] if password is not None or identity is None else ["--identity", identity]
        environment = {} if password is None else {"HOLDFAST_PASSWORD": password}
        output = io.StringIO()
        with mock.patch.dict(os.environ, environment), contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            found = recover.main([command, self.folder, *names, *opening, *words])
        self.assertEqual(found, code, output.getvalue())
        return output.getvalue()

    def payload(self, name):
        return json.loads(base64.b64decode(json.loads(self.read(name))["payload"]))

    def sign(self, name, document, kind="commit"):
        self.write(name, writer.envelope(kind, document, SIGNER))

    def change_commit(self, **changes):
        """Signs the commit again with other values; gives the name of its file."""
        name = f"points/{POINT}.json"
        self.sign(name, {**self.payload(name), **changes})
        return name

    def data_key(self):
        keys = os.path.join(self.folder, "data", POINT, "keys-1")
        return subprocess.run(["age", "-d", "-i", IDENTITY, keys], capture_output=True, check=True).stdout[38:]

    def manifest(self):
        self.run_recover("extract")
        with open(os.path.join(self.target, "manifest.json"), "rb") as file:
            manifest = json.load(file)
        shutil.rmtree(self.target)
        return manifest

    def store(self, number, kind, content, name):
        """Encrypts a compressed artifact of the point; gives size and SHA-256 as stored."""
        ids = bytes.fromhex(json.loads(self.read("holdfast.json"))["repository"]), bytes.fromhex(POINT)
        header = writer.header(*ids, number, kind, 1)
        stored = writer.seal(self.data_key(), header, os.urandom(24), writer.units(content, 8192))
        self.write(f"data/{POINT}/{name}", stored)
        return {"size": len(stored), "sha256": hashlib.sha256(stored).hexdigest()}

    def change_manifest(self, manifest):
        """Stores another manifest and signs a commit that is consistent with it."""
        stored = self.store(0, 5, writer.json_bytes(manifest), "manifest")
        entries = [entry for component in manifest["components"] for entry in component["artifacts"]]
        artifacts = [{name: entry[name] for name in ("number", "size", "sha256")} for entry in entries]
        self.change_commit(manifest=stored, artifacts=artifacts)
