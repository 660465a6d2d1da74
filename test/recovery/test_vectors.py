"""Every artifact vector has the outcome that it names."""

import base64
import glob
import io
import json
import os
import unittest

from repository_case import VECTORS, recover, writer


def outcome_of(vector):
    """The class of error that reading an artifact vector gives, and what was released before it."""
    ids = bytes.fromhex(vector["repository"] + vector["point"])
    artifact, released = io.BytesIO(base64.b64decode(vector["artifact"])), b""
    try:
        _, content = recover.open_artifact(artifact, bytes.fromhex(vector["dataKey"]), ids, vector["number"], vector["name"])
        for piece in content:
            released += piece
        return "ok", released
    except recover.Failure as failure:
        return failure.kind, released


class ArtifactVectors(unittest.TestCase):
    def test_every_vector_has_the_outcome_it_names(self):
        paths = sorted(glob.glob(os.path.join(VECTORS, "artifacts", "*.json")))
        self.assertGreater(len(paths), 100)
        for path in paths:
            with open(path, encoding="ascii") as file, self.subTest(os.path.basename(path)):
                vector = json.load(file)
                outcome, released = outcome_of(vector)
                self.assertEqual(outcome, vector["expect"])
                if outcome == "ok":
                    self.assertEqual(released, base64.b64decode(vector["plain"]))

    def test_a_unit_of_exactly_the_limit(self):
        plain = bytes(8 * 1024 * 1024)
        stream = writer.unit(writer.sized_zstd_frame(plain), len(plain))
        self.assertEqual(b"".join(recover.decompress_units([stream], "unit")), plain)

    def test_a_unit_that_is_stored_in_more_than_the_limit(self):
        # A correct frame for one byte, made long with empty blocks (RFC 8878, 3.1.1.2): the limit is all that rejects it.
        empty_blocks = 3 * 1024 * 1024
        frame = bytes.fromhex("28B52FFD0058") + bytes(3) * empty_blocks + bytes.fromhex("090000") + b"x"
        self.assertEqual(recover.decompress_frame(frame, 1, "unit"), b"x")
        with self.assertRaisesRegex(recover.Failure, "over the limit"):
            list(recover.decompress_units([writer.unit(frame, 1)], "unit"))
