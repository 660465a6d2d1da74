import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tools } from './tools.ts'
import { oldestServerFor, pickRestoreTools, returnFindings } from './tools-restore.ts'

function tools(...majors: number[]): Tools[] {
  return majors.map((major) => ({
    folder: `/pg/${major}`,
    major,
    version: major * 10_000 + 1,
    versionText: '',
    pgDump: '',
    pgRestore: '',
    belowFloor: false,
  }))
}

/** A dump of a server of `server`, written by pg_dump of `writer`. */
function dump(server: number, writer = server) {
  return { serverVersion: server * 10_000 + 3, dumpVersionText: `pg_dump (PostgreSQL) ${writer}.2` }
}

test('the tools are of the major of the server, else the smallest newer ones that it takes', () => {
  assert.equal(pickRestoreTools(tools(18, 15, 14, 16), 15, dump(14)).major, 15)
  assert.equal(pickRestoreTools(tools(18, 16), 15, dump(14)).major, 16)
  assert.equal(pickRestoreTools(tools(18, 16), 17, dump(16)).major, 18)
})

test('tools older than the pg_dump that wrote the dump do not know its format', () => {
  assert.equal(pickRestoreTools(tools(14, 15, 16), 14, dump(14, 16)).major, 16)
  assert.throws(() => pickRestoreTools(tools(14, 15), 14, dump(14, 16)), {
    kind: 'unsupported',
    message: /found: 14\.1 in \/pg\/14, 15\.1/,
    hint: /postgresql-client-16/,
  })
})

test('tools of 17 and newer are refused for an older server, and the next step is named', () => {
  for (const server of [14, 15, 16]) {
    assert.throws(() => pickRestoreTools(tools(17, 18), server, dump(server)), {
      kind: 'unsupported',
      hint: new RegExp(`postgresql-client-${server}`),
    })
    assert.throws(() => pickRestoreTools(tools(server, 17), server, dump(server, 17)), {
      kind: 'unsupported',
      message: /dump of pg_dump 17 cannot be restored to a server of major 1[456]/,
      hint: /major 17 or newer/,
    })
  }
})

test('no tools at all is something else', () => {
  assert.throws(() => pickRestoreTools([], 15, dump(15)), { kind: 'notFound', message: /found: none/ })
})

test('the oldest server that a dump fits is the one it is from, unless newer tools wrote it', () => {
  assert.equal(oldestServerFor(dump(14, 16)), 14)
  assert.equal(oldestServerFor(dump(14, 18)), 17)
  assert.equal(oldestServerFor(dump(18)), 18)
})

test('a backup that could not come back to its server is warned of', () => {
  const [seventeen, sixteen] = tools(17, 16)
  assert.ok(seventeen !== undefined && sixteen !== undefined)
  assert.match(returnFindings(seventeen, 160_002)[0]?.hint ?? '', /postgresql-client-16/)
  assert.deepEqual(returnFindings(seventeen, 170_002), [])
  assert.deepEqual(returnFindings(sixteen, 150_002), [])
})
