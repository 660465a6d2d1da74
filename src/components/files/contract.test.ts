import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { driverContract } from '../testing/contract.ts'
import type { ContractSubject } from '../testing/stage.ts'
import { filesDriver } from './driver.ts'
import type { FilesDetails, FilesSettings } from './schema.ts'
import { settingsFor } from './testing/trees.ts'

type Subject = ContractSubject<FilesSettings, FilesDetails>

/** The text is in a file of a folder of the folder. */
const textFile = ({ settings }: Pick<Subject, 'settings'>): string => join(settings.path, 'deeper', 'text')

async function makeFolder(): Promise<Subject> {
  const host = await mkdtemp(join(tmpdir(), 'holdfast-files-'))
  const settings = settingsFor(join(host, 'data'))
  const file = textFile({ settings })
  return {
    driver: filesDriver,
    settings,
    async write(text) {
      await mkdir(join(settings.path, 'deeper'), { recursive: true })
      await writeFile(file, text)
    },
    read: () => readFile(file, 'utf8').catch(() => undefined),
    remove: () => rm(settings.path, { recursive: true }),
    async leftovers() {
      const inside = await readdir(settings.path).catch(() => [])
      return [...(await readdir(host)), ...inside].filter((name) => name.includes('holdfast'))
    },
    close: () => rm(host, { recursive: true }),
  }
}

driverContract('files', makeFolder, {
  modes: ['swap', 'in-place', 'scratch'],
  locks: false,
  differences: {
    'a file is gone': (subject) => rm(textFile(subject)),
    'other rights': (subject) => chmod(textFile(subject), 0o604),
    'another time': (subject) => utimes(textFile(subject), 5, 5),
    'a link in place of a file': async (subject) => {
      await rm(textFile(subject))
      await symlink('elsewhere', textFile(subject))
    },
    'a folder in place of a file': async (subject) => {
      await rm(textFile(subject))
      await mkdir(textFile(subject))
    },
  },
})
