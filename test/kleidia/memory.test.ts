import '../parts/on-disk.ts'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { inFolder } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { writeLargeFile } from './large-file.ts'

const execute = promisify(execFile)
const MIB = 2 ** 20
/** As much as the format's users have. */
const bytes = 2_000_000_000
const skip = process.env['HOLDFAST_SOAK'] === undefined && 'in npm run soak; import-memory unpacks a smaller one'
const printed = z.object({ sqlSize: z.number(), sqlSha256: z.string(), peakBytes: z.number(), seconds: z.number() })

test(`${bytes / 1e6} MB of SQL are unpacked within 256 MiB`, { skip, timeout: 900_000 }, async (t) => {
  await inFolder(async (folder) => {
    const path = join(folder, 'large.enc')
    const { sqlSize, sqlSha256 } = await writeLargeFile(path, 'password', bytes)
    const args = [join(import.meta.dirname, 'unpack-once.ts'), path, join(folder, 'out'), 'password']
    const found = printed.parse(JSON.parse((await execute(process.execPath, args, { timeout: 800_000 })).stdout))
    assert.deepEqual([found.sqlSize, found.sqlSha256], [sqlSize, sqlSha256])
    t.diagnostic(`${Math.round(found.peakBytes / MIB)} MiB at most, ${found.seconds.toFixed(1)} s`)
    assert.ok(found.peakBytes < 256 * MIB, `${Math.round(found.peakBytes / MIB)} MiB`)
  })
})
