import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import type { Context, Progress } from '../../../../core/ports.ts'
import { systemClock } from '../../../../system/clock.ts'
import { directEffects } from '../../../../system/effects.ts'
import type { ArtifactSource } from '../../../transfer.ts'
import { missingRoom, stageFindings, withDump } from './staged-dump.ts'

const MORE_THAN_ANY_DISK = 2 ** 52

function stage(size: number): {
  readonly source: ArtifactSource
  readonly context: Context
  readonly said: Progress[]
} {
  const said: Progress[] = []
  const source: ArtifactSource = {
    roles: ['dump'],
    sizeOf: () => size,
    async *read() {
      yield Buffer.from('the dump')
    },
  }
  const signal = new AbortController().signal
  return {
    source,
    said,
    context: { clock: systemClock, effects: directEffects, signal, progress: (event) => void said.push(event) },
  }
}

test('a dump that fits is a file with all of it', async () => {
  const { source, context, said } = stage(8)
  const content = await withDump(source, context, async (dump) => {
    assert.ok(dump.kind === 'file')
    return readFile(dump.path, 'utf8')
  })
  assert.equal(content, 'the dump')
  assert.deepEqual(said, [])
})

test('a dump that does not fit is streamed, and said to be', async () => {
  const { source, context, said } = stage(MORE_THAN_ANY_DISK)
  assert.equal(await withDump(source, context, async ({ kind }) => kind), 'stream')
  assert.equal(said[0]?.type, 'note')
})

test('the preflight counts the room for the dump and what the server takes of the same disk', async () => {
  const levels = async (size: number, besides: bigint): Promise<unknown[]> =>
    (await stageFindings(stage(size).source, besides)).map(({ level }) => level)
  assert.deepEqual(await levels(8, 0n), ['ok'])
  assert.deepEqual(await levels(MORE_THAN_ANY_DISK, 0n), ['warning'])
  assert.deepEqual(await stageFindings(undefined, 0n), [])
  if ((await missingRoom(65n * 1024n * 1024n, tmpdir())) === undefined)
    assert.deepEqual(await levels(8, BigInt(MORE_THAN_ANY_DISK)), ['warning'])
})
