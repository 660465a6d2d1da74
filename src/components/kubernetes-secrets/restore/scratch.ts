import { access, mkdir, rm, writeFile } from 'node:fs/promises'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Difference } from '../../../core/restore-point.ts'
import { bytesOfSecret, secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import type { ScratchTargetRequest, RestoreTarget } from '../../target.ts'
import type { ArtifactSource } from '../../transfer.ts'
import { SECRETS } from '../../secret-record.ts'
import { withoutSwap } from '../../without-swap.ts'
import { capturedObjects, differencesOf } from '../capture/digests.ts'
import { descriptionText, parseDescription, type KubernetesObject } from '../object.ts'
import type { CapturedObject, KubernetesSecretsDetails, KubernetesSecretsSettings } from '../schema.ts'

/** The file beside the values of an object: its type, labels and annotations. */
const DESCRIPTION = 'description.json'
const VALUES = 'values'

/** Restores every value as a file of a private throw-away folder: `<kind>/<name>/values/<key>`. */
export function scratchTarget(
  { namespace }: KubernetesSecretsSettings,
  { scratchFolder, restoreId }: ScratchTargetRequest,
): RestoreTarget<KubernetesSecretsDetails> {
  const folder = join(scratchFolder, `kubernetes-secrets-${restoreId}`)
  const remove = (context: Context): Promise<void> =>
    context.effects.run('kubernetes: remove the scratch folder', () => rm(folder, { recursive: true, force: true }))
  return {
    ...withoutSwap(`a scratch copy of what is in namespace ${namespace}`, namespace),
    state: () =>
      access(folder).then(
        () => 'staged',
        () => 'untouched',
      ),
    preflight: ({ objects }) =>
      Promise.resolve([{ level: 'ok', subject: 'objects', message: `${objects.length} into files` }]),
    load: async (details, source, context) => {
      await remove(context)
      await loadInto(folder, details, source, context)
    },
    compare: (details) => compareIn(folder, details),
    discard: remove,
    copy: { leave: () => Promise.resolve({ folder }) },
  }
}

function folderOf(folder: string, { object, name }: Pick<KubernetesObject, 'object' | 'name'>): string {
  return join(folder, object.toLowerCase(), name)
}

async function loadInto(
  folder: string,
  details: KubernetesSecretsDetails,
  source: ArtifactSource,
  context: Context,
): Promise<void> {
  for await (const one of capturedObjects(details, source.read(SECRETS)))
    await context.effects.run('kubernetes: write a scratch copy', () => writeObject(folderOf(folder, one), one))
}

/** The server allows no key that leads out of the folder; a restore point is not trusted to. */
async function writeObject(folder: string, one: KubernetesObject): Promise<void> {
  await mkdir(join(folder, VALUES), { recursive: true, mode: 0o700 })
  await writeFile(join(folder, DESCRIPTION), descriptionText(one), { mode: 0o600 })
  for (const [key, value] of one.values) {
    if (!/^[-._a-zA-Z0-9]+$/.test(key) || key === '.' || key === '..')
      throw new Failure('corrupt', `${one.object} ${one.name} has a key that is no key of Kubernetes`)
    await writeFile(join(folder, VALUES, key), bytesOfSecret(value), { mode: 0o600 })
  }
}

async function compareIn(folder: string, details: KubernetesSecretsDetails): Promise<readonly Difference[]> {
  const differences: Difference[] = []
  for (const captured of details.objects)
    differences.push(...differencesOf(captured, await readBack(folderOf(folder, captured), captured), details))
  return differences
}

async function readBack(folder: string, { object, name }: CapturedObject): Promise<KubernetesObject | undefined> {
  const described = await readFile(join(folder, DESCRIPTION), 'utf8').catch(() => undefined)
  if (described === undefined) return undefined
  const keys = (await readdir(join(folder, VALUES))).toSorted()
  const read = async (key: string) => [key, secretOfBytes(await readFile(join(folder, VALUES, key)))] as const
  return { object, name, description: parseDescription(described), values: new Map(await Promise.all(keys.map(read))) }
}
