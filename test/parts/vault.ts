import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { buildOnce } from './go-build.ts'
import type { Prepared } from './go-build.ts'

const execute = promisify(execFile)
const [MODULE, VERSION] = ['github.com/hashicorp/vault', 'v1.21.4']
const REGISTRY = join('helper', 'builtinplugins', 'registry.go')
/** What cannot be built with the released SDK (transit), and what nothing here asks. */
const LEFT_OUT = /logical(Pki|Ssh|Transit)|cred(Cert|Userpass)\b/
const KUBERNETES = 'credKube "github.com/hashicorp/vault-plugin-auth-kubernetes"'

/**
 * Vault's own program of Vault's own module, without its UI and with few plugins; built from source the first time. From 1.15 on it
 * is under the Business Source License, which allows tests; nothing of it is in this repository or in the package.
 */
export function findVault(): Promise<string> {
  return buildOnce({
    name: 'vault',
    module: join(import.meta.dirname, 'vault'),
    files: ['go.mod', 'go.sum', 'main.go'],
    args: ['-trimpath', '-tags', 'minimal', '-ldflags', '-s -w', '.'],
    environment: { CGO_ENABLED: '0' },
    limit: 40 * 60_000,
    otherwise: 'Vault could not be built',
    prepare: inCopy,
  })
}

/** What the released SDK, 0.21.0, calls otherwise than the one of Vault's repository at that release, which nothing publishes. */
const EDITS: readonly (readonly [file: string, from: string, to: string])[] = [
  [
    'vault/identity_store.go',
    'ActivationFunc: iStore.activateDeduplication,',
    'ActivationFunc: func(ctx context.Context, r *logical.Request, _ string) error { return iStore.activateDeduplication(ctx, r) },',
  ],
  ['vault/logical_system_activation_flags.go', 'ActivationFunc(ctx, nil)', 'ActivationFunc(ctx, nil, "")'],
]

/** Gives a copy of our module beside a copy of Vault's: files of Go's own cache cannot be replaced one by one. */
async function inCopy(module: string, go: string): Promise<Prepared> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-vault-'))
  try {
    const source = join(folder, 'source')
    const { stdout } = await execute(go, ['mod', 'download', '-json', `${MODULE}@${VERSION}`], { cwd: module })
    await cp(z.object({ Dir: z.string() }).parse(JSON.parse(stdout)).Dir, source, { recursive: true })
    await cp(module, folder, { recursive: true })
    await execute('chmod', ['-R', 'u+w', source])
    for (const [file, from, to] of EDITS) await edit(join(source, file), (text) => text.replace(from, to))
    await edit(join(source, REGISTRY), withFewPlugins)
    await edit(join(folder, 'go.mod'), (text) => `${text}\nreplace ${MODULE} => ./source\n`)
    return { module: folder, done: () => rm(folder, { recursive: true, force: true }) }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

function withFewPlugins(registry: string): string {
  const lines = registry.split('\n').filter((line) => !LEFT_OUT.test(line))
  return lines
    .join('\n')
    .replace('import (', `import (\n\t${KUBERNETES}`)
    .replace('"approle":', '"kubernetes": {Factory: credKube.Factory},\n\t\t\t"approle":')
}

/** Fails where it changes nothing: then this is for another version. */
async function edit(file: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(file, 'utf8')
  const changed = change(text)
  if (changed === text) throw new Error(`${file} has nothing to change`)
  await writeFile(file, changed)
}
