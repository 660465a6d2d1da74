import { driverContract } from '../components/testing/contract.ts'
import { textDriver, TextPlace } from './testing/text-driver.ts'

driverContract(
  'the text in memory',
  () => {
    const place = new TextPlace('text', undefined)
    return Promise.resolve({
      driver: textDriver,
      settings: { kind: 'text' as const, place },
      write: async (text: string) => {
        await Promise.resolve((place.live = text))
      },
      read: () => Promise.resolve(place.live),
      remove: async () => {
        await Promise.resolve((place.live = undefined))
      },
      leftovers: () =>
        Promise.resolve(
          [place.side, place.previous, place.undone].flatMap((one) => (one === undefined ? [] : [one.id])),
        ),
    })
  },
  { modes: ['swap'], locks: true },
)
