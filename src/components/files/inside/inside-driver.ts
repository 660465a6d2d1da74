import { Failure } from '../../../core/failure.ts'
import type { FailureDomain } from '../../../core/safety/lost-together.ts'
import type { Context } from '../../../core/ports.ts'
import type { Finding } from '../../../core/restore-point.ts'
import type { Secret } from '../../../core/secret.ts'
import { secretOfBytes } from '../../../core/texts/secret-bytes.ts'
import { failedFinding } from '../../../core/failed-finding.ts'
import type { RestoreTarget, TargetRequest } from '../../target.ts'
import type { ArtifactSink, Captured } from '../../transfer.ts'
import { localFiles } from '../local-driver.ts'
import type { FilesDetails, InsideSettings } from '../schema.ts'
import { captureByTar, tarRequest } from './capture-by-tar.ts'
import { inHelper, type Helper } from './with-volumes.ts'
import { notRestorable } from './not-restorable.ts'
import { liveShell, type InsideShell } from './shell.ts'
import { mountedHere, wayOf } from './way.ts'

/** A folder inside a container, as the driver has it. */
export async function captureInside(
  settings: InsideSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<FilesDetails>> {
  const { path, through } = settings
  if (settings.via === 'helper') return await captureByHelper(settings, sink, context)
  const way = await wayOf(settings, context)
  if ('settings' in way) {
    const captured = await localFiles.capture(way.settings, sink, context)
    // Where it is mounted may differ on every host.
    return { ...captured, details: { ...captured.details, path, via: 'mounted' } }
  }
  context.progress({ type: 'note', message: `folder ${path} is read by the tar of ${through.name}: ${way.why}` })
  const captured = await captureByTar(settings, liveShell(through), sink, context)
  return { ...captured, details: { ...captured.details, via: 'tar' } }
}

function captureByHelper(
  settings: InsideSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<FilesDetails>> {
  const capture = async ({ shell, image }: Helper): Promise<Captured<FilesDetails>> => {
    const message = `folder ${settings.path} of ${settings.through.name} is read by ${shell.name}, a helper with image ${image}`
    context.progress({ type: 'note', message })
    const captured = await captureByTar(settings, shell, sink, context)
    return { ...captured, details: { ...captured.details, via: 'helper' } }
  }
  return inHelper(settings, capture, context)
}

export async function checkInside(settings: InsideSettings, context: Context): Promise<readonly Finding[]> {
  const subject = `folder ${settings.path} in ${settings.through.name}`
  try {
    if (settings.via === 'helper') return [await helperFinding(settings, subject, context)]
    const way = await wayOf(settings, context)
    if ('why' in way) return [await tarFinding(settings, subject, way.why, context)]
    const here: Finding = { level: 'ok', subject, message: `is ${way.settings.path} of this host` }
    return [here, ...(await localFiles.check(way.settings, context))]
  } catch (error) {
    if (!(error instanceof Failure) || context.signal.aborted) throw error
    return [failedFinding(subject, error)]
  }
}

async function tarFinding(settings: InsideSettings, subject: string, why: string, context: Context): Promise<Finding> {
  const { tar } = await tarRequest(settings, liveShell(settings.through), context)
  const message = `is read by ${TARS[tar]} of the container, which cannot restore it: ${why}`
  return { level: 'warning', subject, message, hint: TO_RESTORE }
}

async function helperFinding(settings: InsideSettings, subject: string, context: Context): Promise<Finding> {
  const look = async ({ shell, image }: Helper): Promise<Finding> => {
    const { tar } = await tarRequest(settings, shell, context)
    const message = `is read by ${TARS[tar]} of a helper with image ${image}, which cannot restore it`
    return { level: 'warning', subject, message, hint: TO_RESTORE }
  }
  return await inHelper(settings, look, context)
}

const TARS = { gnu: 'GNU tar', busybox: 'the tar of busybox', other: 'the tar' } as const
const TO_RESTORE = 'Run Holdfast where the volume is mounted, to have swap and undo.'

/** A volume of a container engine lies where the engine does; nobody knows where that of a cluster is. */
export async function placeInside(settings: InsideSettings, context: Context): Promise<FailureDomain> {
  const local = await mountedHere(settings, context)
  return local === undefined ? {} : await localFiles.place(local)
}

export async function openInside(
  settings: InsideSettings,
  request: TargetRequest,
  context: Context,
): Promise<RestoreTarget<FilesDetails>> {
  // A throw-away copy lies on this host, wherever the folder is.
  if (request.mode === 'scratch') return await localFiles.open(settings, request)
  const { path, through } = settings
  const way = await wayOf(settings, context)
  if ('why' in way) return notRestorable(settings, way.why)
  const description = `folder ${path} in ${through.name}, here ${way.settings.path}`
  return { ...(await localFiles.open(way.settings, request)), description, confirmation: path }
}

const LARGEST_SECRET = 1024 * 1024
const READ_FILE = `[ -f "$1" ] && [ ! -L "$1" ] || exit 0
echo there
head -c ${LARGEST_SECRET + 1} "$1"`

/** The content of a file in the folder now. */
export async function liveFileInside(
  settings: InsideSettings,
  name: string,
  context: Context,
): Promise<Secret | undefined> {
  const file = `${settings.path}/${name}`
  if (settings.via === 'helper')
    return await inHelper(settings, ({ shell }) => contentOf(file, shell, context), context)
  const way = await wayOf(settings, context)
  if ('settings' in way) return await localFiles.secrets.live(way.settings, name)
  return await contentOf(file, liveShell(settings.through), context)
}

async function contentOf(file: string, shell: InsideShell, context: Context): Promise<Secret | undefined> {
  const chunks: Uint8Array[] = []
  for await (const chunk of shell.run(READ_FILE, [file], context)) chunks.push(Uint8Array.from(chunk))
  const [said, content] = [Buffer.concat(chunks).subarray(0, 6), Buffer.concat(chunks).subarray(6)]
  if (said.length === 0) return undefined
  if (content.length <= LARGEST_SECRET) return secretOfBytes(content)
  throw new Failure('unsupported', `${file} has more than ${LARGEST_SECRET} bytes and is no key`)
}
