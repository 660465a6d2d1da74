import { Secret } from '../../src/core/secret.ts'
import { localSource } from '../../src/interop/kleidia-v1/format/source.ts'
import { sampleContext } from '../../src/interop/kleidia-v1/testing/sample.ts'
import { unpackKleidia } from '../../src/interop/kleidia-v1/read/unpack.ts'

/** Unpacks one file in a process of its own, and prints what came out and the most memory that it had. */
const [path = '', target = '', password = ''] = process.argv.slice(2)
const started = performance.now()
const source = await localSource(path, 'large.enc')
const { sql } = await unpackKleidia({ source, password: new Secret(password) }, target, sampleContext())
console.log(
  JSON.stringify({
    sqlSize: sql?.size,
    sqlSha256: sql?.sha256,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    seconds: (performance.now() - started) / 1000,
  }),
)
