import { createHmac } from 'node:crypto'
import { newId } from '../system/identifiers.ts'
import { titleOf, type Channel } from './channel.ts'
import { post } from './post.ts'

/** Signed as https://www.standardwebhooks.com says (specification 1.0.0), so that receivers find libraries for it. */
export const webhook: Channel<'webhook'> = {
  async tell({ url, secret }, { metrics: _metrics, started, ended, ...event }, telling) {
    const id = newId()
    const seconds = Math.floor(telling.clock.now().getTime() / 1000)
    const data = {
      ...event,
      title: titleOf({ ...event, started, ended }),
      started: started.toISOString(),
      ended: ended.toISOString(),
    }
    const body = JSON.stringify({ type: 'run.ended', timestamp: ended.toISOString(), data })
    const key = secret === undefined ? undefined : keyOf((await secret.resolve()).reveal())
    const signature = key === undefined ? {} : { 'webhook-signature': signatureOf(key, `${id}.${seconds}.${body}`) }
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      ...signature,
    }
    await post({ method: 'POST', url: (await url.resolve()).reveal(), headers, body }, telling)
  },
}

const PREFIX = 'whsec_'

/** Base64 after the prefix of the standard; any other text as it is. */
function keyOf(secret: string): Uint8Array {
  return secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), 'base64') : Buffer.from(secret, 'utf8')
}

function signatureOf(key: Uint8Array, text: string): string {
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`
}
