/**
 * `npm test`: installs what the machine lacks, runs `check`, then all tests against real parts. A part that cannot
 * start is a failure; who cannot have one leaves it out by name: `npm test -- --without s3`.
 */
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildCompose } from '../test/parts/docker.ts'
import { buildControlPlane } from '../test/parts/kubernetes-build.ts'
import { buildS3Server } from '../test/parts/s3.ts'
import { keepCluster } from './cluster-for-tests.ts'
import { installMissing } from './machine.ts'
import { makeMemoryFolder } from './memory-folder.ts'
import { runVisibly } from './run.ts'

/** Each real part, and the tests that cannot run without it. */
const parts = {
  postgres: {
    tests: /postgres|crash|e2e|demo|cli|import-point|import-memory|roundtrip|zoo/,
    says: 'PostgreSQL, started by the tests from the packages of this machine',
  },
  s3: { tests: /s3|e2e\/leak/, says: 'versitygw, an S3 server built from source' },
  python: {
    tests: /recovery|terminal-tour|init-asks-first|import-point|zoo\/zoo/,
    says: 'Python with nothing but `cryptography`, for recover.py and another reader of Kleidia backups',
  },
  openbao: {
    tests: /openbao|e2e\/leak|import-point/,
    says: 'OpenBao 2.7.2, and 2.6.1 for storage file, from their Python packages',
  },
  docker: {
    tests: /compose-|(?:platform|init-profile)-compose/,
    says: "Docker's engine from Debian's packages in namespaces of its own, and docker compose 2.40 built from source",
  },
  kubernetes: { tests: /kubernetes/, says: 'the API server of Kubernetes 1.34 on etcd, built from source' },
  node: {
    tests: /kubernetes-(?:place|routes|streams|pause|roles)|(?:platform|init-profile)-kubernetes/,
    says: 'a node of Kubernetes 1.34 in namespaces of its own, with containerd and runc; needs root',
  },
} as const
type Part = keyof typeof parts

const root = join(import.meta.dirname, '..')
process.chdir(root)
const { values } = parseArgs({
  options: {
    without: { type: 'string', multiple: true, default: [] },
    'on-disk': { type: 'boolean', default: false },
  },
})
const without = values.without.map(asPart)

function asPart(name: string): Part {
  if (name in parts) return name as Part
  console.error(`there is no part ${name}; parts: ${Object.keys(parts).join(', ')}`)
  process.exit(2)
}

const left = (file: string): boolean => without.some((part) => parts[part].tests.test(file))
await installMissing(without)
// Before the tests: several of their files would otherwise build it at once.
if (!without.includes('kubernetes')) {
  console.log('Building the API server of Kubernetes, unless an earlier run did (some minutes) …')
  await buildControlPlane()
}
if (!without.includes('docker')) await buildCompose()
const cluster = without.some((part) => part === 'kubernetes' || part === 'node') ? undefined : await keepCluster()
if (!without.includes('s3') && process.env['HOLDFAST_TEST_S3_ENDPOINT'] === undefined) await buildS3Server()
const check = await runVisibly(process.execPath, [join(root, 'scripts', 'check.ts')])
const files = globSync('{test,scripts}/**/*.test.ts')
  .filter((file) => !file.includes('architecture') && file !== 'test/docs.test.ts')
  .sort()
const run = files.filter((file) => !left(file))
// Three at a time on the two cores that this is made for: a file waits for its servers for a fifth of its time.
const ofCluster = cluster === undefined ? {} : { HOLDFAST_TEST_CLUSTER: cluster.file }
const compileCache = { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'compiled') }
const memory = values['on-disk'] ? undefined : makeMemoryFolder()
console.log(
  `Temporary files of the tests are ${memory === undefined ? `on disk, in ${tmpdir()}` : `in memory, in ${memory}`}.`,
)
const temporary = memory === undefined ? {} : { TMPDIR: memory, HOLDFAST_TEST_DISK: tmpdir() }
const summary = mkdtempSync(join(tmpdir(), 'holdfast-summary-'))
const end = join(summary, 'end')
const reporters = [
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
  `--test-reporter=${join(root, 'scripts', 'end-of-run.ts')}`,
  `--test-reporter-destination=${end}`,
]
const tests = await runVisibly(
  process.execPath,
  ['--test', '--test-concurrency=3', '--test-timeout=900000', ...reporters, ...run],
  { ...compileCache, ...temporary, ...ofCluster },
)
await cluster?.end()
if (memory !== undefined) rmSync(memory, { recursive: true, force: true })

process.stdout.write(readFileSync(end, 'utf8'))
rmSync(summary, { recursive: true, force: true })
console.log(check === 0 ? 'check: passed' : 'check: FAILED, see above')
for (const part of Object.keys(parts) as Part[]) {
  console.log(
    `${part}: ${without.includes(part) ? `LEFT OUT by --without; ${files.filter((file) => parts[part].tests.test(file)).length} test files did not run` : `real (${parts[part].says})`}`,
  )
}
process.exitCode = check === 0 && tests === 0 ? 0 : 1
