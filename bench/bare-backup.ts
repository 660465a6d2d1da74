import { execa } from 'execa'
import { createCipheriv, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

/**
 * What no backup of these bytes can do without, as a process of its own: every lane is read by a bare COPY, goes through
 * zstd -1 and AES-256-GCM, and is thrown away. `node bare-backup.ts <file>`, with libpq's variables in the environment. The
 * rest of the database goes the same way beside the lanes, as one pg_dump.
 */
const work = z.object({
  psql: z.string(),
  pgDump: z.string(),
  /** Arguments of pg_dump for what the lanes leave. */
  rest: z.array(z.string()),
  /** COPY statements. */
  lanes: z.array(z.string()),
  workers: z.number(),
})

const PIPE = 'set -o pipefail; "$@" | zstd -1 -q -c'
const PIECE = 1024 * 1024

const [path = ''] = process.argv.slice(2)
const { psql, pgDump, rest, lanes, workers } = work.parse(JSON.parse(await readFile(path, 'utf8')))
const waiting = [...lanes]

async function compressAndSeal(command: readonly string[]): Promise<void> {
  const child = execa('bash', ['-c', PIPE, 'bash', ...command], {
    stdin: 'ignore',
    stderr: 'inherit',
    buffer: false,
    encoding: 'buffer',
  })
  const cipher = createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12))
  child.stdout.on('data', (piece: Buffer) => {
    for (let from = 0; from < piece.length; from += PIECE) cipher.update(piece.subarray(from, from + PIECE))
  })
  await child
  cipher.final()
}

async function worker(): Promise<void> {
  for (let lane = waiting.shift(); lane !== undefined; lane = waiting.shift())
    await compressAndSeal([psql, '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--command', lane])
}

await Promise.all([compressAndSeal([pgDump, ...rest]), ...Array.from({ length: workers }, worker)])
