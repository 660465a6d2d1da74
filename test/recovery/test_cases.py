"""Every repository of test/vectors/cases has the outcome that it names; cases.test.ts asks the code of Holdfast the same."""

import base64
import glob
import json
import os
import unittest

from repository_case import IDENTITY, PASSWORD, POINT, VECTORS, RepositoryCase, recover


def all_cases():
    for path in sorted(glob.glob(os.path.join(VECTORS, "cases", "*.json"))):
        with open(path, encoding="ascii") as file:
            yield json.load(file)


class Cases(RepositoryCase):
    def change(self, changes):
        for name, change in changes.items():
            path = os.path.join(self.folder, name)
            if change is None:
                os.unlink(path)
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            self.write(name, base64.b64decode(change["base64"]).ljust(change["length"], b" "))

    def test_every_case_has_the_outcome_it_names(self):
        count = 0
        for case in all_cases():
            count += 1
            with self.subTest(case["name"]):
                self.tearDownCase()
                self.change(case["changes"])
                code = 0 if case["expect"] == "ok" else recover.EXIT[case["expect"]]
                opening = {"password": PASSWORD} if case["by"] == "password" else {"identity": IDENTITY}
                said = self.run_recover("check", point=POINT, code=code, **opening)
                if any(name not in said for name in case["names"]):
                    said += self.run_recover("list", **opening)
                for name in case["names"]:
                    self.assertIn(name, said)
        self.assertGreater(count, 100)

    def tearDownCase(self):
        """The repository as it was before the case."""
        self.doCleanups()
        self.setUp()


if __name__ == "__main__":
    unittest.main()
