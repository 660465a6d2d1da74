import { describe, Failure, isFailure } from '../../../core/failure.ts'
import type { Context } from '../../../core/ports.ts'
import type { Through } from '../../../platforms/through.ts'
import { naming } from '../failures.ts'
import type { FilesSettings, InsideSettings } from '../schema.ts'
import { statOf } from '../tree/folder.ts'
import { lookAt, type Seen } from './look.ts'
import { liveShell, shellIn } from './shell.ts'

/** The folder as one of this host, or why it is none. */
export type Mounted = { readonly settings: FilesSettings } | { readonly why: string }

/** Once for a command: a restore stops the container in which was looked. */
const known = new WeakMap<Through, Promise<Mounted>>()

/** How a folder inside is read. Fails where the settings want it mounted and it is not. */
export async function wayOf(settings: InsideSettings, context: Context): Promise<Mounted> {
  if (settings.via === 'tar' || settings.via === 'helper') return { why: `via is ${settings.via}` }
  const mounted = await look(settings, context)
  if (settings.via !== 'mounted' || 'settings' in mounted) return mounted
  throw new Failure(
    'unsupported',
    `folder ${settings.path} of ${settings.through.name} is not mounted here: ${mounted.why}`,
    {
      hint: 'Run Holdfast where the container runs, or leave via out: a backup then reads the folder by the tar of the container.',
    },
  )
}

/** The settings of the folder of this host. Undefined where it is none. */
export async function mountedHere(settings: InsideSettings, context: Context): Promise<FilesSettings | undefined> {
  const mounted = await wayOf(settings, context)
  return 'settings' in mounted ? mounted.settings : undefined
}

function look(settings: InsideSettings, context: Context): Promise<Mounted> {
  const { through } = settings
  const looking = known.get(through) ?? findMounted(settings, context)
  known.set(through, looking)
  looking.catch(() => known.delete(through))
  return looking
}

async function findMounted(settings: InsideSettings, context: Context): Promise<Mounted> {
  const { through, path } = settings
  if (through.hostFolder === undefined) return { why: 'the platform does not say where its volumes lie' }
  const said = await through.hostFolder(path, context)
  if ('why' in said) return said
  const [volume, folder] = await Promise.all([seenHere(said.volume.onHost), seenHere(said.path)])
  if (volume.kind !== 'folder') return { why: `this host has no folder ${said.volume.onHost}` }
  const inside = await seenInside(settings, [said.volume.inside, path], context)
  if ('why' in inside) return inside
  // An engine elsewhere, or another volume by now, may use a path that this host has too.
  if (!isSame(volume, inside.seen[0]) || !isSame(folder, inside.seen[1]))
    return { why: `${said.path} of this host is not the folder that the container has` }
  const { reach: _reach, via: _via, helperImage: _image, through: _through, ...local } = settings
  return { settings: { ...local, path: said.path } }
}

async function seenHere(path: string): Promise<Seen> {
  const stat = await naming('look at', path, () => statOf(path))
  if (stat === undefined) return { kind: 'nothing', device: undefined, inode: undefined }
  const kind = stat.isSymbolicLink() ? 'link' : stat.isDirectory() ? 'folder' : 'other'
  return { kind, device: stat.dev, inode: stat.ino }
}

function isSame(here: Seen, inside: Seen | undefined): boolean {
  if (inside === undefined || here.kind !== inside.kind) return false
  if (here.kind === 'nothing') return true
  return here.inode === inside.inode && (inside.device === undefined || here.device === inside.device)
}

/** In the live container, or where that does not run in one like it. */
async function seenInside(
  { through, path }: InsideSettings,
  paths: readonly string[],
  context: Context,
): Promise<{ readonly seen: readonly Seen[] } | { readonly why: string }> {
  try {
    return { seen: await lookAt(liveShell(through), paths, context) }
  } catch (error) {
    if (!isFailure(error, 'notFound') || through.spawnWithVolumes === undefined) throw error
    // A container that is stopped keeps its volumes; one without a shell has none in a copy of it either.
    const spawned = await through.spawnWithVolumes({ path }, context).catch((cause: unknown) => {
      if (isFailure(cause, 'cancelled') || isFailure(cause, 'unreachable')) throw cause
      return { why: `nobody can look inside: ${describe(error)}` }
    })
    if ('why' in spawned) return spawned
    try {
      return { seen: await lookAt(shellIn(spawned.place), paths, context) }
    } finally {
      await spawned.remove()
    }
  }
}
