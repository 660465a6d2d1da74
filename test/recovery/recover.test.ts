import assert from 'node:assert/strict'
import { execFile, type ExecFileException } from 'node:child_process'
import { access, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

/**
 * recover.py as a stranger runs it: on a machine with Python, `cryptography`, zstd and age, and nothing of ours.
 * The test_*.py beside this go deeper, in the same Python.
 */
const root = join(import.meta.dirname, '../..')
const recovery = join(root, 'src/repository/recovery')
const vectors = join(root, 'test/vectors')
const keys = join(vectors, 'documents-keys')
const identity = ['--identity', join(keys, 'TEST-identity.txt')]
const point = '019aa1656e007d32b6c7d8e9f0011223'
const stranger = 'ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='
const systemPath = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin'

interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

let work = ''
let folder = ''
let python = ''

before(async () => {
  for (const program of ['zstd', 'age']) await requireProgram(program)
  python = await cleanPython()
  work = await mkdtemp(join(tmpdir(), 'holdfast-recovery-'))
})
after(() => rm(work, { recursive: true, force: true }))

/** Runs a program in an environment that has none of our packages and no variables of ours. */
function execute(file: string, args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  const env = { PATH: systemPath, PYTHONDONTWRITEBYTECODE: '1', LC_ALL: 'C.UTF-8', ...environment }
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { env, timeout: 300_000 }, (error: ExecFileException | null, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
    })
  })
}

async function requireProgram(program: string): Promise<void> {
  const found = await execute('/bin/sh', ['-c', `command -v ${program}`])
  assert.equal(found.code, 0, `the program ${program} is missing: install the Debian package ${program}`)
}

/** A virtual environment with `cryptography` only; made once, in the cache that the tests' real parts share. */
async function cleanPython(): Promise<string> {
  const cache = process.env['HOLDFAST_PARTS_CACHE'] ?? join(homedir(), '.cache/holdfast-parts')
  const kept = join(cache, 'recovery-python')
  if (!(await exists(join(kept, 'ready')))) await makePython(kept)
  return join(kept, 'bin/python')
}

async function makePython(kept: string): Promise<void> {
  await rm(kept, { recursive: true, force: true })
  await mkdir(kept, { recursive: true })
  const made = await execute('python3', ['-m', 'venv', kept])
  assert.equal(
    made.code,
    0,
    `no virtual environment: install the Debian package python3-venv\n${made.stdout}${made.stderr}`,
  )
  const pip = await execute(join(kept, 'bin/pip'), ['install', '--quiet', 'cryptography'], installEnvironment())
  assert.equal(pip.code, 0, `pip could not install the Python package cryptography\n${pip.stderr}`)
  // Written last: a folder without it was left by an installation that died.
  await writeFile(join(kept, 'ready'), '')
}

/** pip may need the machine's own settings (index, proxy, certificates), which recover.py must not need. */
function installEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => name !== 'PATH' && !name.startsWith('PYTHON'))
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** A copy of the test repository with recover.py in it, as it lies in a bucket. */
async function copyOfRepository(): Promise<void> {
  folder = join(work, 'repository')
  await rm(folder, { recursive: true, force: true })
  await cp(join(vectors, 'documents'), folder, { recursive: true })
  for (const name of ['recover.py', 'README.txt']) await cp(join(recovery, name), join(folder, name))
}

function recover(args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  return execute(python, [join(folder, 'recover.py'), ...args], environment)
}

async function expectFailure(args: readonly string[], code: number, message: RegExp, environment = {}): Promise<void> {
  const outcome = await recover(args, environment)
  assert.equal(outcome.code, code, outcome.stdout + outcome.stderr)
  assert.match(outcome.stderr, message)
  assert.doesNotMatch(outcome.stderr, /Traceback/)
}

/** Changes one bit of a file of the repository. */
async function flip(name: string, at: number): Promise<void> {
  const bytes = await readFile(join(folder, name))
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await writeFile(join(folder, name), bytes)
}

async function storedPassword(): Promise<string> {
  return (await readFile(join(keys, 'TEST-password.txt'), 'utf8')).trimEnd()
}

test('list shows the points in order with what was proven', async () => {
  await copyOfRepository()
  const { code, stdout } = await recover(['list', folder, ...identity])
  assert.equal(code, 0)
  const lines = stdout.trimEnd().split('\n')
  assert.equal(lines.length, 3)
  assert.match(lines[1] ?? '', new RegExp(`^ +2 {2}${point} .* authentik: complete, verify ok 2026-11-22T03`))
  assert.match(lines[2] ?? '', /^ +1 {2}019a9c3f1a007c21a5b6c7d8e9f00112 .*removed, data kept until 2026-11-25T04/)
})

test('show names components and artifacts', async () => {
  await copyOfRepository()
  const { code, stdout } = await recover(['show', folder, 'latest', ...identity])
  assert.equal(code, 0)
  assert.match(stdout, /component files \(files\)\n {2}000001 {2}content: tar, 10\.0 KiB/)
  assert.match(stdout, /component secrets \(openbao\)\n {2}000002 {2}entries: JSON lines/)
})

test('check reads every byte, by identity file and by password', async () => {
  await copyOfRepository()
  const byFile = await recover(['check', folder, point, ...identity])
  const byPassword = await recover(['check', folder, 'latest', '--app', 'authentik'], {
    HOLDFAST_PASSWORD: await storedPassword(),
  })
  for (const outcome of [byFile, byPassword]) {
    assert.equal(outcome.code, 0, outcome.stderr)
    assert.match(outcome.stdout, /every byte of 2 artifacts was read, decrypted and compared/)
  }
})

test('extract writes private plain files that stock tools read', async () => {
  await copyOfRepository()
  const target = join(work, 'extracted')
  const { code, stdout, stderr } = await recover(['extract', folder, 'latest', target, ...identity])
  assert.equal(code, 0, stderr)
  assert.deepEqual((await readdir(target)).sort(), ['files-content.tar', 'manifest.json', 'secrets-entries.jsonl'])
  assert.equal((await stat(join(target, 'files-content.tar'))).mode & 0o777, 0o600)
  const rows = (await readFile(join(target, 'secrets-entries.jsonl'), 'utf8')).trimEnd().split('\n')
  assert.equal(rows.length, 1000)
  assert.deepEqual(JSON.parse(rows[999] ?? ''), { id: 999, name: 'entry 999' })
  const printed = /mkdir \S+ && tar \S+ \S+ -C \S+/.exec(stdout)?.[0]
  assert.ok(printed, 'the tar command is printed')
  assert.equal((await execute('/bin/sh', ['-c', `cd '${target}' && ${printed}`])).code, 0)
  assert.equal(await readFile(join(target, 'files-content.content/schlüssel.txt'), 'utf8'), 'key\n')
})

test('a wrong password is denied', async () => {
  await copyOfRepository()
  await expectFailure(['check', folder, 'latest'], 12, /^recover\.py: denied: this is not the password of /, {
    HOLDFAST_PASSWORD: 'wrong',
  })
})

test('a signer that is not known is denied', async () => {
  await copyOfRepository()
  const bare = join(work, 'bare-identity.txt')
  const text = await readFile(join(keys, 'TEST-identity.txt'), 'utf8')
  await writeFile(bare, text.replace(/^#.*\n/gm, ''))
  await expectFailure(
    ['check', folder, 'latest', '--identity', bare],
    12,
    /no trusted signer is known.*--trust-any-signer/,
  )
  await expectFailure(['list', folder, '--signer', stranger], 12, /not a trusted signer/)
  const trusting = await recover(['check', folder, 'latest', '--identity', bare, '--trust-any-signer'])
  assert.equal(trusting.code, 0)
  assert.match(trusting.stderr, /warning: signers are not checked/)
})

test('one flipped bit anywhere in the data is found', async () => {
  for (const [name, at] of [
    ['000001', 100],
    ['000001', 300],
    ['000002', 1500],
    ['manifest', 20],
    ['manifest', 400],
    ['keys-1', 360],
  ] as const) {
    await copyOfRepository()
    await flip(`data/${point}/${name}`, at)
    await expectFailure(['check', folder, 'latest', ...identity], 30, new RegExp(`corrupt: .*${name}`))
  }
})

test('two artifacts that changed places are found', async () => {
  await copyOfRepository()
  const data = join(folder, 'data', point)
  await rename(join(data, '000001'), join(data, 'aside'))
  await rename(join(data, '000002'), join(data, '000001'))
  await rename(join(data, 'aside'), join(data, '000002'))
  await expectFailure(['check', folder, 'latest', ...identity], 30, /000001 .*\n?.*000002 /)
})

test('a newer format is unsupported', async () => {
  await copyOfRepository()
  const marker = await readFile(join(folder, 'holdfast.json'), 'utf8')
  await writeFile(join(folder, 'holdfast.json'), marker.replace('"format":1', '"format":2'))
  await expectFailure(['list', folder, ...identity], 31, /holdfast\.json is of format 2/)
})

test('what is missing is named', async () => {
  await copyOfRepository()
  await rm(join(folder, 'data', point, '000002'))
  await expectFailure(
    ['check', folder, 'latest', ...identity],
    30,
    new RegExp(`corrupt: data/${point}/000002 is missing`),
  )
  await rm(join(folder, 'data', point, 'keys-1'))
  await expectFailure(['check', folder, 'latest', ...identity], 30, /the keys file is missing/)
  await rm(join(folder, 'points'), { recursive: true })
  await expectFailure(['check', folder, 'latest', ...identity], 10, /there is no restore point/)
  await rm(join(folder, 'holdfast.json'))
  await expectFailure(['list', folder, ...identity], 10, /is not a repository/)
})

test('a missing zstd is named, with its package', async () => {
  await copyOfRepository()
  await expectFailure(['check', folder, 'latest', ...identity], 21, /install the package zstd/, {
    PATH: join(work, 'empty'),
  })
})

test('the way by hand in README.txt gives the same bytes', async () => {
  await copyOfRepository()
  const readme = await readFile(join(folder, 'README.txt'), 'utf8')
  const script = /Save these lines as decrypt\.py:\n\n([^]*?)\nThen,/.exec(readme)?.[1]?.replace(/^ {7}/gm, '')
  assert.ok(script, 'README.txt has the script')
  await writeFile(join(folder, 'decrypt.py'), script)
  const commands = [
    `age -d -i '${identity[1]}' data/${point}/keys-1 > data.key`,
    `'${python}' decrypt.py data/${point}/000001 | zstd -dq > 000001.plain`,
    'tar -tf 000001.plain',
  ]
  const outcome = await execute('/bin/sh', ['-c', `set -e; cd '${folder}'; ${commands.join('; ')}`])
  assert.equal(outcome.code, 0, outcome.stderr)
  assert.match(outcome.stdout, /tls\/ca\.pem/)
})

test('README.txt is plain ASCII in 80 columns', async () => {
  const readme = await readFile(join(recovery, 'README.txt'), 'utf8')
  assert.match(readme, /^[\n -~]*$/)
  assert.ok(readme.split('\n').every((line) => line.length <= 80))
})

test('every artifact vector and every changed document has its outcome (test_*.py)', async () => {
  const outcome = await execute(python, ['-m', 'unittest', 'discover', '-s', import.meta.dirname])
  assert.equal(outcome.code, 0, outcome.stderr)
  assert.match(outcome.stderr, /^Ran \d{2,} tests/m)
  assert.doesNotMatch(outcome.stderr, /skipped/)
})
