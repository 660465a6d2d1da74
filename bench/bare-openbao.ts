import http from 'node:http'
import pMap from 'p-map'

/**
 * The peer of the measure openbao, as a process of its own: nothing but the calls that are needed, by the same number of
 * workers. `node bare-openbao.ts write|read <address> <secrets> <versions>`, the token in BAO_TOKEN.
 */

const WORKERS = 20
const PAGE = 500
const FOLDER = 1000
const [act = '', address = ''] = process.argv.slice(2)
const [secrets = 0, versions = 0] = process.argv.slice(4).map(Number)
const agent = new http.Agent({ keepAlive: true, maxSockets: WORKERS })
const { hostname, port } = new URL(address)
const headers = { 'X-Vault-Token': process.env['BAO_TOKEN'] ?? '', 'X-Vault-Request': 'true' }

/** Gives the parsed answer; anything but 200 ends it. */
function call(method: string, path: string, body?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = http.request({ agent, hostname, port, method, path: `/v1/${path}`, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => (text += chunk))
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve(JSON.parse(text)) : reject(new Error(`${path}: ${answer.statusCode}`)),
      )
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
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
agent.destroy()
