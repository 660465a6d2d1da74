/** A program of its own, run in the network of the engine: reads what a container gives at an address of it. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { findContainer } from '../../../src/platforms/compose/find.ts'
import { composeReach, composeSettings } from '../../../src/platforms/compose/schema.ts'
import { testContext } from '../postgres.ts'

const [socket, project, service, port] = process.argv.slice(2)
const settings = composeSettings.parse({ kind: 'compose', project, engine: `unix://${socket}` })
const context = testContext()
const place = await findContainer(settings, composeReach.parse({ kind: 'compose', service }), context)
const [address] = await place.addresses(Number(port), context)
if (address === undefined) throw new Error(`${place.name} has no address here`)
const connection = connect(address)
connection.pipe(process.stdout)
await once(connection, 'close')
