import { LocalPlace } from './local-place.ts'
import { placeContract } from './place-contract.ts'

const variable = { name: 'SECRET_TEXT', value: `two\nlines, "quotes", it's $HOME=\\n` }

placeContract('a place over programs of this host', async () => {
  const place = new LocalPlace({ environment: { [variable.name]: variable.value } })
  return {
    place,
    variable,
    processes: async () => (await place.processes()).length,
    removable: async () => {
      const other = new LocalPlace()
      return { place: other, remove: async () => other.remove() }
    },
    close: async () => place.remove(),
  }
})
