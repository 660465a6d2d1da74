import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifyStatement } from './policy.ts'
import { split } from './lexer/split.ts'
import { DumpStructure } from './structure.ts'

/** The first words of the statements that are run. */
async function runOf(body: string): Promise<string[]> {
  async function* text(): AsyncGenerator<Uint8Array, void, void> {
    yield Buffer.from(`-- PostgreSQL database dump\n${body}\n-- PostgreSQL database dump complete\n`)
  }
  const structure = new DumpStructure()
  const found: string[] = []
  for await (const piece of split(text())) {
    structure.accept(piece)
    if (piece.type === 'statement' && classifyStatement(piece, structure.inPrologue) === 'run')
      found.push(piece.text.toString().slice(0, 30))
  }
  return found
}

const CLEAN = `DROP PUBLICATION announced;
ALTER TABLE IF EXISTS ONLY public.b DROP CONSTRAINT IF EXISTS b_fkey;
ALTER TABLE public.a ALTER COLUMN id DROP DEFAULT;
ALTER DOMAIN public.d DROP CONSTRAINT positive;
ALTER TABLE public.parts DETACH PARTITION public.part;
CREATE OR REPLACE VIEW public.v AS
SELECT
    NULL::integer AS id;
SELECT pg_catalog.lo_unlink('4711');
SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '4711';
UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = 'x';
DROP TABLE public.a;`
const VIEW = 'CREATE OR REPLACE VIEW public.v AS SELECT 1;'
const DETACHED = 'ALTER TABLE public.a DROP COLUMN b;'

for (const [what, line] of [
  ['with its comment lines', '-- Name: a; Type: TABLE; Schema: public; Owner: -\n'],
  ['without its comment lines', ''],
] as const) {
  test(`what --clean has before the first object is left out, and the same behind it is run, ${what}`, async () => {
    const body = `SET lock_timeout = 0;\n${CLEAN}\n${line}CREATE TABLE public.a ();\n${VIEW}\n${DETACHED}`
    assert.deepEqual(await runOf(body), [
      'SET lock_timeout = 0;',
      'CREATE TABLE public.a ();',
      VIEW.slice(0, 30),
      DETACHED.slice(0, 30),
    ])
  })
}

test('a dump for pg_upgrade is refused, and a table of such a name is not', async () => {
  await assert.rejects(runOf(`SELECT pg_catalog.binary_upgrade_set_next_pg_type_oid('1'::pg_catalog.oid);`), {
    kind: 'refused',
  })
  assert.equal((await runOf('CREATE TABLE public.binary_upgrade_log ();')).length, 1)
})
