/**
 * Runs beside a server in its namespaces: reads `{ready, requests}` from its standard input, waits until the server
 * answers (who started us has a limit), sends the requests one after the other, and prints the answers. Ends with 1 at the first that fails.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import type { Request, Served } from './application.ts'

/** Our own process started us and wrote it. */
const { ready, requests } = JSON.parse(await text(process.stdin)) as Pick<Served, 'ready' | 'requests'>
const kept = new Map<string, string>()

await untilReady()
for (const request of requests) await send(request)

async function untilReady(): Promise<void> {
  while (
    !(await fetch(ready).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    await sleep(500)
  }
}

async function send({ method, url, headers = {}, body, form, keep = {} }: Request): Promise<void> {
  const given = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, filled(value)]))
  const json = body === undefined ? {} : { body: filled(JSON.stringify(body)) }
  const content = form === undefined ? json : { body: new URLSearchParams(form).toString() }
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  // A server may close a connection that was idle just when the next request is sent on it.
  const sent = { 'content-type': type, connection: 'close', ...given }
  const answer = await fetch(filled(url), { method, headers: sent, ...content })
  const printed = await answer.text()
  console.log(`${method} ${url}: ${answer.status} ${printed.slice(0, 300)}`)
  if (!answer.ok) throw new Error(`${method} ${url} was answered with ${answer.status}: ${printed.slice(0, 2000)}`)
  const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
  for (const [name, path] of Object.entries(keep))
    kept.set(name, path === 'set-cookie' ? cookies.join('; ') : String(at(JSON.parse(printed), path)))
}

function filled(template: string): string {
  return template.replace(/\$([a-zA-Z]+)/g, (all, name: string) => kept.get(name) ?? all)
}

function at(value: unknown, path: string): unknown {
  // Any object can be asked for any key.
  return path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value)
}
