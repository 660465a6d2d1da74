import { openbaoDriver } from '../../src/components/openbao/driver.ts'
import type { OpenbaoDetails, OpenbaoSettings } from '../../src/components/openbao/schema.ts'
import { driverContract } from '../../src/components/testing/contract.ts'
import { LIVE, type ContractSubject } from '../../src/components/testing/stage.ts'
import { at, startOpenbao } from '../parts/openbao.ts'

const bao = await startOpenbao('inmem')
const OWN = 'holdfast-restore?list=true'

type Subject = ContractSubject<OpenbaoSettings, OpenbaoDetails>

/** The text is in a mount of each version of KV. One more secret never changes, and one is gone. */
async function makeMounts(): Promise<Subject> {
  await bao.must('POST', 'sys/mounts/two', { type: 'kv', options: { version: '2' } })
  await bao.must('POST', 'sys/mounts/one', { type: 'kv' })
  await bao.must('POST', 'two/data/same', { data: { v: 'always this' } })
  return {
    driver: openbaoDriver,
    settings: bao.settings(),
    async write(text) {
      await bao.must('POST', 'two/data/text', { data: { v: text } })
      await bao.must('POST', 'one/text', { v: text })
      if (text === LIVE) await bao.must('DELETE', 'two/metadata/gone')
      else await bao.must('POST', 'two/data/gone', { data: { v: text } })
    },
    async read() {
      const [two, one] = [(await bao.ask('GET', 'two/data/text')).body, (await bao.ask('GET', 'one/text')).body]
      const texts = [at(two, 'data', 'data', 'v'), at(one, 'data', 'v')].map(String)
      // An undo deletes the value and leaves its history.
      const isGone = (await bao.ask('GET', 'two/data/gone')).status === 404
      return texts[0] === texts[1] && isGone === (texts[0] === LIVE)
        ? texts[0]
        : `${texts.join(' and ')}, gone: ${isGone}`
    },
    async leftovers() {
      const found = await Promise.all(
        [`two/metadata/${OWN}`, `one/${OWN}`].map(async (path) => [path, (await bao.ask('GET', path)).status] as const),
      )
      return found.flatMap(([path, status]) => (status === 404 ? [] : [path]))
    },
    async close() {
      for (const mount of ['two', 'one']) await bao.must('DELETE', `sys/mounts/${mount}`)
    },
  }
}

const change =
  (...request: Parameters<typeof bao.must>) =>
  async (): Promise<void> => {
    await bao.must(...request)
  }

const READS = ['sys/mounts', 'sys/internal/ui/mounts/*', 'two/*', 'one/*']
  .map((path) => `path "${path}" { capabilities = ["read", "list"] }`)
  .join('\n')

driverContract('openbao', makeMounts, {
  modes: ['swap', 'in-place', 'scratch'],
  locks: false,
  unread: ['configuration'],
  differences: {
    'a secret is gone': change('DELETE', 'two/metadata/same'),
    'the newest version is deleted': change('DELETE', 'two/data/same'),
    'other metadata': change('POST', 'two/metadata/same', { max_versions: 3 }),
    'another value of version 1': change('POST', 'one/text', { v: 1 }),
  },
  lacking: {
    'to read a secret': async () => {
      const token = await bao.tokenWith(`${READS}\npath "two/data/same" { capabilities = ["deny"] }`)
      return { settings: bao.settings({ token }), found: 'check', says: /two\/(data\/)?same/ }
    },
    'to write': async () => ({
      settings: bao.settings({ token: await bao.tokenWith(READS) }),
      found: 'preflight',
      says: /right on (one|two)/,
    }),
  },
})
