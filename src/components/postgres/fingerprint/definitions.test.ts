import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitDefinitions } from './definitions.ts'

const HEAD =
  '--\n-- PostgreSQL database dump\n--\n\n\\restrict abc123\n\n-- Dumped from database version 15.18\n\nSET statement_timeout = 0;\n\n'
const TAIL = '--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc123\n\n'

function object(name: string, type: string, schema: string, sql: string): string {
  return `--\n-- Name: ${name}; Type: ${type}; Schema: ${schema}; Owner: app\n--\n\n${sql}\n\n\n`
}

async function split(text: string, size = 7): Promise<Map<string, string>> {
  const bytes = Buffer.from(text)
  const found = await splitDefinitions(
    (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
    })(),
  )
  assert.equal(new Set(found.map(({ name }) => name)).size, found.length)
  return new Map(found.map(({ name, definition }) => [name, definition]))
}

const USERS = object('users', 'TABLE', 'public', 'CREATE TABLE public.users (id int);')
const INDEX = object('users_id', 'INDEX', 'public', 'CREATE INDEX users_id ON public.users (id);')

test('names objects by type, schema and name', async () => {
  const found = await split(HEAD + object('extra "ü"', 'SCHEMA', '-', 'CREATE SCHEMA extra;') + USERS + INDEX + TAIL)
  assert.deepEqual([...found.keys()], ['INDEX public users_id', 'SCHEMA extra "ü"', 'TABLE public users'])
})

test('order, head, tail, restriction keys and the size of chunks make no difference', async () => {
  const one = await split(HEAD + USERS + INDEX + TAIL)
  const other = await split(
    '-- Dumped by pg_dump version 15.20\n' +
      `SET default_tablespace = '';\n\n` +
      INDEX +
      'SET default_table_access_method = heap;\n\n' +
      USERS +
      TAIL.replace('abc123', 'xyz'),
    4096,
  )
  assert.deepEqual(other, one)
})

test('every change of an object makes a difference, also of blank lines within it', async () => {
  const of = async (sql: string): Promise<string | undefined> =>
    (await split(object('f', 'FUNCTION', 'public', sql))).get('FUNCTION public f')
  const body = "CREATE FUNCTION f() AS 'a\n\nb';\nALTER FUNCTION f() OWNER TO app;"
  const changes = [
    body.replace('\n\n', '\n'),
    body.replace('\n\n', '\n--\n'),
    body.replace('TO app', 'TO other'),
    body.replace('b', 'c'),
  ]
  assert.equal(new Set([body, ...changes].map(String)).size, 5)
  const hashes = await Promise.all([body, ...changes].map(of))
  assert.equal(new Set(hashes).size, 5)
})

test('objects that share a name are all kept', async () => {
  const found = await split(object('x', 'DOMAIN', 'public', 'one') + object('x', 'DOMAIN', 'public', 'two'))
  assert.deepEqual([...found.keys()], ['DOMAIN public x', 'DOMAIN public x (2)'])
})

test('an empty dump has no objects', async () => {
  assert.equal((await split(HEAD + TAIL)).size, 0)
})

test('the columns of a table that inherits may stand in any order, those of another may not', async () => {
  const child = (columns: string, rest: string): string =>
    object('child', 'TABLE', 'public', `CREATE TABLE public.child (\n${columns}\n)${rest};`)
  const hash = async (text: string): Promise<string | undefined> =>
    (await split(HEAD + text + TAIL)).get('TABLE public child')
  const [late, anew] = ['    own text,\n    late integer', '    late integer,\n    own text']
  const inherits = '\nINHERITS (public.parent)'
  assert.equal(await hash(child(late, inherits)), await hash(child(anew, inherits)))
  assert.notEqual(await hash(child(late, '')), await hash(child(anew, '')))
  assert.notEqual(await hash(child(late, inherits)), await hash(child(late.replace('text', 'int'), inherits)))
  assert.notEqual(await hash(child(late, inherits)), await hash(child(late, '\nINHERITS (public.other)')))
})
