/**
 * Runs beside a server in its namespaces: reads `{ready, requests}` from its standard input, waits until the server
 * answers (who started us has a limit), sends the requests one after the other, and prints the answers. Ends with 1 at the first that fails.
 */
import { request as begin } from 'node:http'
import type { IncomingMessage } from 'node:http'
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
  const content: { body?: string } = form === undefined ? json : { body: new URLSearchParams(form).toString() }
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  const answer = await ask(method, filled(url), { 'content-type': type, ...given }, content.body)
  const printed = await text(answer)
  const status = answer.statusCode ?? 0
  console.log(`${method} ${url}: ${status} ${printed.slice(0, 300)}`)
  if (status < 200 || status > 299)
    throw new Error(`${method} ${url} was answered with ${status}: ${printed.slice(0, 2000)}`)
  const cookies = (answer.headers['set-cookie'] ?? []).map((cookie) => cookie.split(';')[0])
  for (const [name, path] of Object.entries(keep))
    kept.set(name, path === 'set-cookie' ? cookies.join('; ') : String(at(JSON.parse(printed), path)))
}

/** On a connection of its own: a server may close one that was idle just when the next request is sent on it. */
function ask(method: string, url: string, headers: Record<string, string>, body?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    begin(url, { method, headers, agent: false }, resolve).on('error', reject).end(body)
  })
}

function filled(template: string): string {
  return template.replace(/\$([a-zA-Z]+)/g, (all, name: string) => kept.get(name) ?? all)
}

function at(value: unknown, path: string): unknown {
  // Any object can be asked for any key.
  return path.split('.').reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value)
}
