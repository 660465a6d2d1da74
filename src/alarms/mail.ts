import { describe, Failure } from '../core/failure.ts'
import { bodyOf, titleOf, type Channel } from './channel.ts'

const LIMIT = 10_000

export const mail: Channel<'mail'> = {
  async tell({ server, password, from, to }, event, { signal }) {
    const { createTransport } = await import('nodemailer')
    const { hostname, port, protocol, username } = new URL(server)
    const login =
      password === undefined
        ? {}
        : { auth: { user: decodeURIComponent(username), pass: (await password.resolve()).reveal() } }
    const isSecure = protocol === 'smtps:'
    // A password never goes over a connection that is not encrypted.
    const tls = { secure: isSecure, requireTLS: !isSecure && password !== undefined }
    const limits = { connectionTimeout: LIMIT, greetingTimeout: LIMIT, socketTimeout: LIMIT, dnsTimeout: LIMIT }
    const transport = createTransport({
      host: hostname,
      port: Number(port) || (isSecure ? 465 : 587),
      ...tls,
      ...login,
      ...limits,
    })
    const stop = (): void => transport.close()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await transport.sendMail({ from, to: [...to], subject: titleOf(event), text: `${bodyOf(event)}\n` })
    } catch (cause) {
      throw new Failure('unreachable', `${hostname} did not take the mail: ${describe(cause)}`, { cause })
    } finally {
      signal.removeEventListener('abort', stop)
      transport.close()
    }
  },
}
