import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultInWords } from './environment-fault.ts'

/** As initdb, PostgreSQL, its client tools, zstd, setpriv and libpq print it. */
const table: readonly (readonly [kind: string, text: string])[] = [
  ['refused', 'initdb: error: could not create directory "/t/data": No space left on device'],
  ['refused', 'initdb: error: could not write to file "/t/data/PG_VERSION": No space left on device'],
  [
    'refused',
    'pg_restore: error: could not execute query: ERROR:  could not extend file "base/16384/16390": No space left on device\nHINT:  Check free disk space.\nCommand was: create index i on t (a);',
  ],
  ['refused', 'pg_restore: error: could not write to file: No space left on device'],
  ['refused', 'PANIC:  could not write to file "pg_wal/xlogtemp.71": No space left on device'],
  [
    'refused',
    'FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 20\nHINT:  Check free disk space.',
  ],
  ['refused', 'zstd: error 70 : Write error : No space left on device (cannot write block)'],
  ['refused', 'FATAL:  could not write lock file "postmaster.pid": Disk quota exceeded'],
  ['refused', 'pg_dump: error: could not open file "x": Too many open files in system'],
  ['refused', 'ERROR:  out of memory\nDETAIL:  Failed on request of size 1024.'],
  ['refused', 'pg_dump: error: out of memory'],
  ['refused', 'could not fork new process for connection: Cannot allocate memory'],
  ['refused', 'bash: fork: Resource temporarily unavailable'],
  ['denied', 'initdb: error: could not access directory "/t": Permission denied'],
  ['denied', 'setpriv: failed to execute /usr/bin/zstd: Permission denied'],
  ['denied', 'pg_restore: error: could not open output file "x": Read-only file system'],
  ['denied', 'connection to server at "x", port 5432 failed: FATAL:  password authentication failed for user "u"'],
  ['notFound', 'setpriv: failed to execute /usr/bin/zstd: No such file or directory'],
  ['unreachable', 'pg_dump: error: could not read block 7 of file "base/1": Input/output error'],
  ['unreachable', 'connection to server on socket "/s" failed: FATAL:  sorry, too many clients already'],
  ['unreachable', 'FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute'],
  ['unreachable', 'pg_restore: error: could not execute query: server closed the connection unexpectedly'],
  ['unreachable', 'connection to server at "127.0.0.1", port 1 failed: Connection refused'],
  ['unreachable', 'connection to server at "x" failed: FATAL:  the database system is starting up'],
]

for (const [kind, text] of table) {
  test(`a program that says ${JSON.stringify(text.split('\n')[0])} is ${kind}`, () => {
    assert.equal(faultInWords(text)?.kind, kind)
  })
}

/** What damaged or refused data looks like, also data with such words in it. */
const aboutTheData = [
  'pg_restore: error: could not read from input file: end of file',
  'pg_restore: error: corrupt tar header found',
  'ERROR:  duplicate key value violates unique constraint "t_pkey"\nDETAIL:  Key (a)=(x: No space left on device) already exists.',
  'ERROR:  invalid input syntax for type integer: "No space left on device"\nCONTEXT:  COPY t, line 1, column a: No space left on device',
  'ERROR:  permission denied for table users',
  "Command was: select 'x: Disk quota exceeded'",
  '',
]

for (const text of aboutTheData) {
  test(`a program that says ${JSON.stringify(text)} says it of the data`, () => {
    assert.equal(faultInWords(text), undefined)
  })
}
