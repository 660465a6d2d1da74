import { fileURLToPath } from 'node:url'
import { placeOfPath } from '../../system/files/where-it-lies.ts'
import type { StorageKind } from '../kind.ts'
import { openFilesystem } from './open.ts'

/** The URL says all. */
const shape = {}

export const filesystemKind = {
  protocol: 'file:',
  example: 'file:///folder',
  settings: shape,
  placedBy: [],
  files: [],
  isTried: false,
  expectedUrl: ({ host, pathname }) =>
    host === '' && pathname.length > 1 ? undefined : 'file:// and an absolute folder',
  mistakes: () => [],
  place: ({ url }) => placeOfPath(fileURLToPath(url)),
  open: async ({ url }, options) => openFilesystem(url, options),
} satisfies StorageKind<typeof shape>
