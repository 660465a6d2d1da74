import { createHmac } from 'node:crypto'
import type { ArtifactSink } from '../../components/transfer.ts'
import { Failure } from '../../core/failure.ts'
import type { Secret } from '../../core/secret.ts'
import { bytesOfSecret } from '../../core/texts/secret-bytes.ts'
import type { App, AppComponent, OperationContext } from '../app.ts'

/** By component: what all that a capture would give of it comes to. */
export type Digests = Readonly<Record<string, string>>

/**
 * Reads the components that are cheap to read whole, stores nothing, and gives their digests. They are made with a key, as a plain
 * digest of a short secret could be guessed. Fails with `usage` where the app has no such component.
 */
export async function changeDigests(app: App, context: OperationContext): Promise<Digests> {
  const watched = app.components.filter(({ driver }) => driver.isWatchable === true)
  if (watched.length === 0)
    throw new Failure('usage', `app ${app.name} has no files or secrets whose changes could be seen`, {
      hint: 'Back it up by a schedule, without --if-changed.',
    })
  const key = await keyOf(app, context)
  const entries: [string, string][] = []
  for (const component of watched) entries.push([component.name, await digestOf(component, key, context)])
  return Object.fromEntries(entries)
}

/** Of the signing key, so that another run can compare. Without one no point could be made anyhow. */
async function keyOf(app: App, context: OperationContext): Promise<Secret> {
  const key = await context.fingerprintKey?.(app.name)
  if (key !== undefined) return key
  throw new Failure('usage', 'this machine has no signing key, so it can make no restore point', {
    hint: 'Add signingKey to the configuration and run holdfast init.',
  })
}

async function digestOf({ driver, settings }: AppComponent, key: Secret, context: OperationContext): Promise<string> {
  const artifacts: string[] = []
  const sink: ArtifactSink = {
    fingerprintKey: key,
    async write(role, _kind, content) {
      const hash = createHmac('sha256', bytesOfSecret(key))
      for await (const chunk of content) hash.update(chunk)
      artifacts.push(`${role} ${hash.digest('hex')}`)
    },
  }
  // What it would say while it reads is of no backup.
  await driver.capture(settings, sink, { ...context, progress: () => undefined })
  return createHmac('sha256', bytesOfSecret(key)).update(artifacts.toSorted().join('\n')).digest('hex')
}
