"""The commands that extract prints; they are run against nothing here."""

import json
import os
import shlex
import tempfile
import unittest

from repository_case import recover


class NextSteps(unittest.TestCase):
    """The commands that are printed; names in them are text that must not become shell or SQL."""

    DETAILS = {
        "database": "it's $(x)",
        "encoding": "UTF8",
        "collate": "C",
        "ctype": "C",
        "owner": "app",
        "settings": [{"name": "search_path", "value": '"$user", public'}, {"name": "app.mode", "value": "a'b"}],
        "roles": [{"name": 'a"b', "attributes": {"login": True, "connectionLimit": -1}, "memberOf": [{"role": "c", "adminOption": True}], "settings": []}],
    }

    def steps(self, files):
        with tempfile.TemporaryDirectory() as target:
            component = {"name": "database", "kind": "postgres", "details": self.DETAILS}
            lines = list(recover.postgres_steps(component, files, target))
            written = {}
            for name in sorted(os.listdir(target)):
                with open(os.path.join(target, name), encoding="utf-8") as file:
                    written[name] = file.read()
            return lines, written

    def test_a_snapshot_is_given_to_the_program_of_its_server(self):
        for product, program in ((None, "bao"), ("openbao", "bao"), ("vault", "vault")):
            details = {} if product is None else {"product": product}
            component = {"name": "keys", "kind": "openbao", "details": details}
            lines = list(recover.openbao_steps(component, [(4, "keys-snapshot.tar", "snapshot")], ""))
            self.assertTrue(lines[-1].startswith(f"{program} operator raft snapshot restore"), lines)

    def test_names_are_quoted_for_the_shell(self):
        lines, _ = self.steps([(1, "database-dump.dump", "dump")])
        create = next(shlex.split(line) for line in lines if line.startswith("createdb"))
        self.assertEqual(create[-1], "it's $(x)")
        restore = next(shlex.split(line) for line in lines if line.startswith("pg_restore"))
        self.assertEqual(restore, ["pg_restore", "--exit-on-error", "-d", "dbname='it\\'s $(x)'", "database-dump.dump"])

    def test_what_every_new_database_has_and_this_one_had_not_is_dropped(self):
        for details, expected in (
            ({}, []),
            ({"publicSchema": "born", "fingerprint": {"extensions": [{"name": "plpgsql"}]}}, []),
            ({"publicSchema": "absent", "fingerprint": {"extensions": []}}, ["DROP EXTENSION IF EXISTS plpgsql", "DROP SCHEMA IF EXISTS public"]),
        ):
            self.assertEqual(recover.leftover_statements(details), expected)

    def test_a_table_that_was_left_out_is_called_empty_on_purpose(self):
        details = {**self.DETAILS, "withoutRows": [{"name": '"Audit Log"."Events"', "bytes": "16384"}]}
        component = {"name": "database", "kind": "postgres", "details": details}
        with tempfile.TemporaryDirectory() as target:
            lines = list(recover.postgres_steps(component, [(1, "database-dump.dump", "dump")], target))
        said = [line for line in lines if "Events" in line]
        self.assertEqual(said, ['# without rows, on purpose: "Audit Log"."Events"   # its rows are in no file here'])

    def test_names_are_quoted_for_sql(self):
        _, written = self.steps([])
        self.assertIn("""'CREATE ROLE "a""b" LOGIN NOINHERIT""", written["database-create-roles.sql"])
        self.assertIn("""GRANT "c" TO "a""b" WITH ADMIN OPTION;""", written["database-create-roles.sql"])
        self.assertIn("SET \"search_path\" TO '$user', 'public';", written["database-settings.sql"])
        self.assertIn("SET \"app\".\"mode\" TO 'a''b';", written["database-settings.sql"])

    def test_copied_rows_go_between_tables_and_indexes(self):
        lines, _ = self.steps([(1, "d.dump", "dump"), (2, "r.copy", "rows-0001")])
        kinds = [line.split()[0] + (line.split()[2] if line.startswith("pg_restore") else "") for line in lines]
        order = [kinds.index(kind) for kind in ("createdb", "pg_restore--section=pre-data", "pg_restore--section=post-data")]
        self.assertEqual(order, sorted(order))
        copied = next(at for at, line in enumerate(lines) if "COPY" in line)
        self.assertTrue(order[1] < copied < order[2])

    def test_passwords_are_left_to_the_operator(self):
        lines, _ = self.steps([(1, "d.dump", "dump"), (6, "p.sql", "role-passwords")])
        [line] = [line for line in lines if "p.sql" in line]
        self.assertTrue(line.startswith("# only on a server that had none of these roles: psql"))

    def kubernetes(self, records):
        with tempfile.TemporaryDirectory() as target:
            with open(os.path.join(target, "keys-secrets.jsonl"), "w", encoding="utf-8") as file:
                file.writelines(json.dumps(record) + "\n" for record in records)
            component = {"name": "keys", "kind": "kubernetes-secrets", "details": {"namespace": "it's"}}
            lines = list(recover.kubernetes_steps(component, [(3, "keys-secrets.jsonl", "secrets")], target))
            path = os.path.join(target, "keys-secrets-kubectl.json")
            with open(path, encoding="utf-8") as file:
                return lines, os.stat(path).st_mode & 0o777, json.load(file)

    def record(self, value, encoding="utf8", **source):
        return {"name": "n", "encoding": encoding, "value": value, "source": {"kind": "kubernetes", "namespace": "it's", **source}}

    def described(self, kind, **more):
        return json.dumps({"type": kind, "immutable": False, "labels": {"app": "a"}, "annotations": {}, "binaryKeys": [], **more})

    def test_objects_of_kubernetes_are_written_for_kubectl(self):
        secret, config = {"object": "Secret", "name": "app"}, {"object": "ConfigMap", "name": "config"}
        lines, mode, manifests = self.kubernetes([
            self.record(self.described("kubernetes.io/tls", immutable=True), **secret),
            self.record("line\n", key="tls.key", **secret),
            self.record("AP8=", "base64", key="tls.crt", **secret),
            self.record(self.described(None, binaryKeys=["blob"]), **config),
            self.record("a: 1\n", key="app.yaml", **config),
            self.record("AP8=", "base64", key="blob", **config),
        ])
        self.assertEqual(mode, 0o600)
        self.assertIn(["kubectl", "-n", "it's", "apply", "--server-side", "-f", "keys-secrets-kubectl.json"], [shlex.split(line, comments=True) for line in lines])
        metadata = {"labels": {"app": "a"}, "annotations": {}}
        self.assertEqual(manifests["items"], [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", **metadata}, "type": "kubernetes.io/tls", "immutable": True, "data": {"tls.key": "bGluZQo=", "tls.crt": "AP8="}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config", **metadata}, "data": {"app.yaml": "a: 1\n"}, "binaryData": {"blob": "AP8="}},
        ])

    def test_a_value_without_its_object_is_corrupt_and_leaves_no_file(self):
        with self.assertRaises(recover.Failure):
            self.kubernetes([self.record("x", object="Secret", name="app", key="k")])

    def test_options_of_memberships_since_postgresql_16(self):
        options = recover.grant_options({"adminOption": False, "inheritOption": True, "setOption": False})
        self.assertEqual(options, " WITH ADMIN FALSE, INHERIT TRUE, SET FALSE")
        self.assertEqual(recover.grant_options({"adminOption": False}), "")

    def test_the_locale_of_each_provider(self):
        icu = recover.createdb({"database": "d", "localeProvider": "icu", "icuLocale": "de"})
        self.assertEqual(icu, "createdb --template=template0 --locale-provider=icu --icu-locale=de -- d")
        builtin = recover.createdb({"database": "d", "localeProvider": "builtin", "icuLocale": "C.UTF-8"})
        self.assertIn("--locale-provider=builtin --builtin-locale=C.UTF-8", builtin)
