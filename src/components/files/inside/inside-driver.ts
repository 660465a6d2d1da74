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
import { notRestorable } from './not-restorable.ts'
import { liveShell } from './shell.ts'
import { mountedHere, wayOf } from './way.ts'

/** A folder inside a container, as the driver has it. */
export async function captureInside(
  settings: InsideSettings,
  sink: ArtifactSink,
  context: Context,
): Promise<Captured<FilesDetails>> {
  const { path, through } = settings
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

export async function checkInside(settings: InsideSettings, context: Context): Promise<readonly Finding[]> {
  const subject = `folder ${settings.path} in ${settings.through.name}`
  try {
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
  const kind = { gnu: 'GNU tar', busybox: 'the tar of busybox', other: 'the tar' }[tar]
  const message = `is read by ${kind} of the container, which cannot restore it: ${why}`
  return {
    level: 'warning',
    subject,
    message,
    hint: 'Run Holdfast where the volume is mounted, to have swap and undo.',
  }
}

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
  const way = await wayOf(settings, context)
  if ('settings' in way) return await localFiles.secrets.live(way.settings, name)
  const chunks: Uint8Array[] = []
  for await (const chunk of liveShell(settings.through).run(READ_FILE, [`${settings.path}/${name}`], context))
    chunks.push(Uint8Array.from(chunk))
  const [said, content] = [Buffer.concat(chunks).subarray(0, 6), Buffer.concat(chunks).subarray(6)]
  if (said.length === 0) return undefined
  if (content.length <= LARGEST_SECRET) return secretOfBytes(content)
  throw new Failure('unsupported', `${name} has more than ${LARGEST_SECRET} bytes and is no key`)
}
