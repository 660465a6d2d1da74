import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { driverContract } from '../testing/contract.ts'
import type { ContractSubject } from '../testing/stage.ts'
import { secretsDriver } from './driver.ts'
import type { SecretsDetails, SecretsSettings } from './schema.ts'

type Subject = ContractSubject<SecretsSettings, SecretsDetails>

/** The text is a file, a variable and a value in YAML at once; one more file never changes. */
async function makeHost(): Promise<Subject & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-secrets-'))
  const file = (name: string): string => join(folder, name)
  await writeFile(file('same'), 'always this')
  const settings = secretsDriver.settings.parse({
    kind: 'secrets',
    secrets: {
      key: { file: file('key') },
      variable: { file: file('app.env'), variable: 'TEXT' },
      value: { file: file('app.yaml'), yamlKey: ['app', 'text'] },
      same: { file: file('same') },
    },
  })
  return {
    driver: secretsDriver,
    settings,
    folder,
    async write(text) {
      await writeFile(file('key'), text)
      await writeFile(file('app.env'), `OTHER=1\nTEXT=${JSON.stringify(text)}\n`)
      await writeFile(file('app.yaml'), `app:\n  text: ${JSON.stringify(text)}\n`)
    },
    async read() {
      const [key, ...more] = await Promise.all(
        ['key', 'app.env', 'app.yaml'].map((name) => readFile(file(name), 'utf8').catch(() => '')),
      )
      const values = more.map((text) => /text\W+(.*?)["']?$/im.exec(text)?.[1])
      return values.every((value) => value === key) ? key : `${key}, and ${values.join(' and ')}`
    },
    leftovers: async () => (await readdir(folder)).filter((name) => name.includes('holdfast')),
    close: () => rm(folder, { recursive: true }),
  }
}

driverContract('secrets', makeHost, {
  modes: ['swap', 'in-place', 'scratch'],
  locks: false,
  differences: {
    'a file is another': ({ settings }) => writeFile(String(settings.secrets['same']?.file), 'another'),
    'a file is gone': ({ settings }) => rm(String(settings.secrets['same']?.file)),
    'a line break at the end': ({ settings }) => writeFile(String(settings.secrets['same']?.file), 'always this\n'),
  },
})
