import { describe, isFailure } from '../../core/failure.ts'
import type { Context } from '../../core/ports.ts'
import type { Finding } from '../../core/restore-point.ts'
import type { AppRepository } from '../app.ts'

type Openable = Pick<AppRepository, 'location' | 'recipients' | 'knownRecipients'>

/**
 * An error where no private key that is known opens what is stored in a repository: its points would be there and nobody
 * could ever read them. Compares public keys only, so that no password is needed. Undefined where all is well.
 */
export async function closedFinding(target: Openable, context: Context): Promise<Finding | undefined> {
  // That there is no recipient at all is said elsewhere.
  if (target.knownRecipients === undefined || target.recipients.length === 0) return undefined
  const subject = target.location
  try {
    const known = await target.knownRecipients(context)
    return target.recipients.some((recipient) => known.includes(recipient)) ? undefined : closed(target)
  } catch (error) {
    if (context.signal.aborted) throw error
    const message = `whether a known private key opens its restore points cannot be seen: ${describe(error)}`
    // A host that only makes backups may be kept from reading private keys; what does not answer is red by itself.
    const isElsewhere = isFailure(error, 'denied') || isFailure(error, 'unreachable')
    return { level: isElsewhere ? 'warning' : 'error', subject, message }
  }
}

function closed({ location, recipients }: Openable): Finding {
  return {
    level: 'error',
    subject: location,
    message: `no private key that is known opens its restore points, which are encrypted for ${recipients.join(', ')}`,
    hint: 'Run holdfast init: it locks the private key of the app into this repository. Name a key that you keep elsewhere under offlineRecipients.',
  }
}
