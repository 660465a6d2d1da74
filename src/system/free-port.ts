import { createServer, type AddressInfo } from 'node:net'

/** A port of the loopback that nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      // The address of a TCP server that listens is never null nor a path.
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
