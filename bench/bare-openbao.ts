import pMap from 'p-map'
import { Pool } from 'undici'

/**
 * The peer of the measure openbao, as a process of its own: nothing but the calls that are needed, by the same number of
 * workers and through the same library, so that what is measured is what Holdfast adds. `node bare-openbao.ts write|read <address> <secrets> <versions>`, the token in BAO_TOKEN.
 */

const WORKERS = 20
const PAGE = 500
const FOLDER = 1000
const [act = '', address = ''] = process.argv.slice(2)
const [secrets = 0, versions = 0] = process.argv.slice(4).map(Number)
const pool = new Pool(new URL(address).origin, { connections: WORKERS, pipelining: 1 })
const headers = { 'X-Vault-Token': process.env['BAO_TOKEN'] ?? '', 'X-Vault-Request': 'true' }

/** Gives the parsed answer; anything but 200 ends it. */
async function call(method: string, path: string, body?: unknown): Promise<unknown> {
  const text = body === undefined ? null : JSON.stringify(body)
  const answer = await pool.request({ method, path: `/v1/${path}`, headers, body: text })
  if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode}`)
  return answer.body.json()
}

const nameOf = (n: number): string => `app/${Math.floor(n / FOLDER)}/secret-${String(n).padStart(7, '0')}`
const all = { length: secrets }

async function write(n: number): Promise<void> {
  for (let cas = 0; cas < versions; cas += 1)
    await call('POST', `kv/data/${nameOf(n)}`, { options: { cas }, data: { key: `value ${n} ${cas}`, user: 'app' } })
}

async function read(n: number): Promise<void> {
  for (let version = 1; version <= versions; version += 1) await call('GET', `kv/data/${nameOf(n)}?version=${version}`)
}

/** The metadata of a folder, page by page. */
async function list(folder: number): Promise<void> {
  const last = Math.min((folder + 1) * FOLDER, secrets)
  for (let first = folder * FOLDER; first < last; first += PAGE) {
    const after =
      first === folder * FOLDER
        ? ''
        : `&after=${nameOf(first - 1)
            .split('/')
            .at(-1)}`
    await call('GET', `kv/detailed-metadata/app/${folder}/?list=true&limit=${PAGE}${after}`)
  }
}

if (act === 'read')
  await pMap(
    Array.from({ length: Math.ceil(secrets / FOLDER) }, (_, n) => n),
    list,
    { concurrency: WORKERS },
  )
await pMap(
  Array.from(all, (_, n) => n),
  act === 'write' ? write : read,
  { concurrency: WORKERS },
)
await pool.close()
