import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findGo } from './go.ts'

const MODULE = join(import.meta.dirname, 'kubernetes')
const VERSION = 'k8s.io/component-base/version'
const BUILD_LIMIT = 40 * 60_000

/** The program that is etcd and the API server, built from source the first time: minutes, and 1.5 GB for Go's caches. */
export async function buildControlPlane(): Promise<string> {
  const folder = process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache', 'holdfast-parts')
  const sources = await Promise.all(['go.mod', 'go.sum', 'main.go'].map((file) => readFile(join(MODULE, file))))
  const built = createHash('sha256').update(Buffer.concat(sources)).digest('hex').slice(0, 12)
  const path = join(folder, 'bin', `kubernetes-${built}`)
  if (existsSync(path)) return path
  await mkdir(join(folder, 'bin'), { recursive: true })
  const unfinished = `${path}.tmp-${process.pid}`
  await build(await findGo(folder), unfinished)
  // Only a whole build gets the name; two test files that build at once both end with the same.
  await rename(unfinished, path)
  return path
}

/** Without symbols and C: less to link, and nothing but Go is needed. The server refuses to start without its version. */
async function build(go: string, path: string): Promise<void> {
  const version = `-X ${VERSION}.gitVersion=v1.34.4 -X ${VERSION}.gitMajor=1 -X ${VERSION}.gitMinor=34`
  const args = ['build', '-trimpath', '-ldflags', `-s -w ${version}`, '-o', path, '.']
  const options = { cwd: MODULE, timeout: BUILD_LIMIT, env: { ...process.env, CGO_ENABLED: '0' } }
  try {
    await promisify(execFile)(go, args, options)
  } catch (cause) {
    throw new Error('the API server of Kubernetes could not be built; leave it out with --without kubernetes', {
      cause,
    })
  }
}
