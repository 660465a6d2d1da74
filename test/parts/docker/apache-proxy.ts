import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../../src/system/free-port.ts'
import { makeCertificates } from '../certificates.ts'
import { spawnDyingWithUs } from '../child-server.ts'

const MODULES = '/usr/lib/apache2/modules'
const NEEDED = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'rewrite', 'ssl', 'socache_shmcb']

/** A real Apache HTTP Server that runs the printed text, but for the places of this test. Gives the settings that reach it. */
export async function apacheProxy(
  t: TestContext,
  socket: string,
  text: string,
): Promise<{ readonly engine: string; readonly certificates: string }> {
  // The engine's own folder is closed to the user as whom it answers, and TMPDIR may be.
  const folder = await mkdtemp('/var/tmp/holdfast-apache-')
  await chmod(folder, 0o711)
  const open = await openSocket(t, socket, join(folder, 'docker.sock'))
  const made = await makeCertificates(folder, 'engine')
  const port = await freePort()
  const certificates = join(folder, 'client')
  await mkdir(certificates)
  await copyFile(made.ca, join(certificates, 'ca.pem'))
  await copyFile(made.certificate, join(certificates, 'cert.pem'))
  await copyFile(made.key, join(certificates, 'key.pem'))
  const here = text
    .replaceAll('127.0.0.1:2376', `127.0.0.1:${port}`)
    .replace('/var/run/docker.sock', open)
    .replace('/etc/holdfast/proxy/server-cert.pem', made.certificate)
    .replace('/etc/holdfast/proxy/server-key.pem', made.key)
    .replace('/etc/holdfast/proxy/ca.pem', made.ca)
  const own = [
    `ServerRoot ${folder}`,
    'ServerName localhost',
    'PidFile pid',
    'ErrorLog error.log',
    'DefaultRuntimeDir .',
    'User www-data',
    'Group www-data',
    ...NEEDED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`),
  ]
  await writeFile(join(folder, 'proxy.conf'), [...own, here, ''].join('\n'))
  const server = spawnDyingWithUs('/usr/sbin/apache2', ['-f', join(folder, 'proxy.conf'), '-D', 'FOREGROUND'])
  t.after(async () => {
    // It ends the processes that answer for it.
    server.kill('SIGTERM')
    if (server.exitCode === null) await once(server, 'exit')
    await rm(folder, { recursive: true, force: true })
  })
  const log = (): Promise<string> => readFile(join(folder, 'error.log'), 'utf8').catch(() => '')
  for (let look = 0; !(await log()).includes('resuming normal'); look += 1) {
    if (look > 400 || server.exitCode !== null) throw new Error(`apache2 did not start: ${await log()}`)
    await sleep(50)
  }
  return { engine: `tcp://127.0.0.1:${port}`, certificates }
}

/** Bytes both ways; each side ends by itself. */
async function openSocket(t: TestContext, socket: string, path: string): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const engine = connect({ path: socket, allowHalfOpen: true })
    client.pipe(engine).on('error', () => client.destroy())
    engine.pipe(client).on('error', () => engine.destroy())
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  await chmod(path, 0o666)
  t.after(() => server.close())
  return path
}
