/**
 * Runs inside a network namespace of its own: `gate.ts <unix socket>`. Brings its loopback up and joins port 5432 there to
 * the socket of a PostgreSQL server outside, so that an application reaches that and nothing else.
 */
import { execFileSync } from 'node:child_process'
import { connect, createServer } from 'node:net'

const [socket = ''] = process.argv.slice(2)
execFileSync('ip', ['link', 'set', 'lo', 'up'])
const gate = createServer((inside) => {
  const outside = connect(socket)
  inside.pipe(outside).pipe(inside)
  inside.on('error', () => outside.destroy())
  outside.on('error', () => inside.destroy())
})
gate.listen(5432, '127.0.0.1', () => console.log('open'))
