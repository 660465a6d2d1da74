import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bytes } from '../../../core/ports.ts'
import { linesOf } from './dump-contents.ts'

const LIST = `;
; Archive created at 2026-11-22 08:00:00 UTC
6; 2615 16389 SCHEMA - shop owner
3445; 0 0 ACL - SCHEMA shop owner
3446; 0 0 COMMENT - SCHEMA shop owner
2; 3079 16400 EXTENSION - citext 
217; 1259 16401 TABLE SCHEMA - ACL owner
3447; 0 0 ACL - SCHEMA SCHEMA - TABLE x owner`

async function text(bytes: Bytes): Promise<string[]> {
  const chunks: Uint8Array[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks).toString().trimEnd().split('\n')
}

test('schemas come with their grants, and the rest is all but the schemas', async () => {
  const lines = LIST.split('\n')
  assert.deepEqual(await text(linesOf(LIST).schemas()), [lines[2], lines[3], lines[7]])
  assert.deepEqual(
    linesOf(LIST).rest.split('\n'),
    lines.filter((_, index) => index !== 2),
  )
})
