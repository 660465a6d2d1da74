import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quoteOwner } from './quote-owner.ts'

const CASES: readonly (readonly [written: string, quoted: string])[] = [
  ['ALTER TABLE public.users OWNER TO app;', 'ALTER TABLE "public"."users" OWNER TO "app";'],
  ['ALTER TABLE public."Users" OWNER TO "My app";\n\n\n--', 'ALTER TABLE "public"."Users" OWNER TO "My app";\n\n\n--'],
  ['ALTER SCHEMA extra OWNER TO app;', 'ALTER SCHEMA "extra" OWNER TO "app";'],
  ['ALTER TABLE "a.b""c\nd".e OWNER TO app;', 'ALTER TABLE "a.b""c\nd"."e" OWNER TO "app";'],
  ['ALTER FUNCTION "s"."f"("a" integer) OWNER TO app;', 'ALTER FUNCTION "s"."f"("a" integer) OWNER TO "app";'],
  [
    'ALTER OPERATOR "s".### (integer, integer) OWNER TO app;',
    'ALTER OPERATOR "s".### (integer, integer) OWNER TO "app";',
  ],
  [
    'ALTER OPERATOR CLASS "s"."c" USING "btree" OWNER TO app;',
    'ALTER OPERATOR CLASS "s"."c" USING "btree" OWNER TO "app";',
  ],
  ['ALTER TEXT SEARCH CONFIGURATION s.c OWNER TO a;', 'ALTER TEXT SEARCH CONFIGURATION "s"."c" OWNER TO "a";'],
]

for (const [written, quoted] of CASES) test(`quoted: ${written}`, () => assert.equal(quoteOwner(written, 18), quoted))

test('what was quoted, and what says nothing of owners, stays', () => {
  for (const [, quoted] of CASES) assert.equal(quoteOwner(quoted, 18), quoted)
  for (const other of ['ALTER TABLE public.a ADD COLUMN b int;', `COMMENT IS ' OWNER TO a;';`, ''])
    assert.equal(quoteOwner(other, 18), other)
})

test('pg_dump until 15 gave views and sequences their owner as tables', () => {
  for (const kind of ['VIEW', 'SEQUENCE', 'MATERIALIZED VIEW']) {
    assert.equal(quoteOwner(`ALTER ${kind} public.a OWNER TO b;`, 15), 'ALTER TABLE "public"."a" OWNER TO "b";')
    assert.equal(quoteOwner(`ALTER ${kind} public.a OWNER TO b;`, 16), `ALTER ${kind} "public"."a" OWNER TO "b";`)
  }
})
