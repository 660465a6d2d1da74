import { z } from 'zod'
import { secretReference } from '../../system/secret-reference.ts'

/** PostgreSQL identifiers and database names are any text without NUL, at most 63 bytes. */
const NAME_BYTES = 63
const databaseName = z
  .string()
  .min(1)
  .max(NAME_BYTES)
  .refine((name) => Buffer.byteLength(name) <= NAME_BYTES, { error: `longer than ${NAME_BYTES} bytes in UTF-8` })

export const postgresSettings = z.strictObject({
  kind: z.literal('postgres'),
  host: z
    .string()
    .min(1)
    .default('localhost')
    .meta({ description: 'Host name, address, or the absolute folder of a unix socket.' }),
  port: z.number().int().min(1).max(65535).default(5432),
  database: databaseName,
  user: z.string().min(1).meta({ description: 'The role that reads for a backup.' }),
  password: secretReference.optional(),
  restoreUser: z
    .string()
    .min(1)
    .optional()
    .meta({ description: 'The role that restores; needs CREATEDB and membership in the owner. Default: user.' }),
  restorePassword: secretReference.optional(),
  maintenanceDatabase: databaseName
    .default('postgres')
    .meta({ description: 'Where to connect while the database itself is swapped.' }),
  tls: z.enum(['disable', 'require', 'verify-full']).default('disable'),
  tlsCa: z.string().optional().meta({ description: 'File with the CA certificates that sign the server certificate.' }),
  toolsFolder: z
    .string()
    .optional()
    .meta({ description: 'Folder with pg_dump and pg_restore; found by itself when absent.' }),
  preserve: z.array(z.string().min(1)).default([]).meta({
    description:
      'Tables (schema.table) whose live rows are carried into the restored database, for example a job history.',
  }),
  checks: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        sql: z.string().min(1),
        expect: z
          .union([z.string(), z.number(), z.boolean()])
          .meta({ description: 'The first column of the first row must be this.' }),
      }),
    )
    .default([])
    .meta({ description: 'SQL run on every restored copy; each must give what it expects.' }),
  keepPreviousHours: z
    .number()
    .positive()
    .default(72)
    .meta({ description: 'How long the database that was swapped out is kept for undo.' }),
  lanes: z
    .number()
    .int()
    .min(1)
    .max(16)
    .default(2)
    .meta({ description: 'How many large tables, or parts of one, are read at once. More load the server more.' }),
  idleLimitSeconds: z.number().positive().default(600),
  totalLimitSeconds: z.number().positive().default(86_400),
})
export type PostgresSettings = z.infer<typeof postgresSettings>

/** A role without secrets: its password is never captured. */
const role = z.object({
  name: z.string(),
  attributes: z.object({
    login: z.boolean(),
    inherit: z.boolean(),
    createDatabase: z.boolean(),
    createRole: z.boolean(),
    superuser: z.boolean(),
    replication: z.boolean(),
    bypassRowSecurity: z.boolean(),
    connectionLimit: z.number(),
    validUntil: z.string().nullable(),
  }),
  memberOf: z.array(
    z.object({
      role: z.string(),
      adminOption: z.boolean(),
      /** Since PostgreSQL 16. */
      inheritOption: z.boolean().optional(),
      setOption: z.boolean().optional(),
    }),
  ),
  /** `ALTER ROLE … [IN DATABASE] SET name = value`. */
  settings: z.array(z.object({ name: z.string(), value: z.string(), inDatabase: z.boolean() })),
})
export type CapturedRole = z.infer<typeof role>

/**
 * The content of a database as a comparison needs it. Two databases with equal fingerprints hold the same rows,
 * sequences, large objects and object definitions.
 */
const fingerprint = z.object({
  tables: z.array(
    z.object({
      name: z.string().meta({ description: 'schema.table, quoted as SQL' }),
      rows: z.string().meta({ description: 'decimal count' }),
      hash: z.string().meta({ description: 'order-independent sum of row hashes, decimal' }),
    }),
  ),
  sequences: z.array(
    z.object({
      name: z.string(),
      lastValue: z.string(),
      isCalled: z.boolean(),
      /** Where it was after the dump, if it moved meanwhile: the dump holds a value from `lastValue` to this one. */
      until: z.string().optional(),
    }),
  ),
  largeObjects: z.array(z.object({ oid: z.number(), size: z.string(), hash: z.string() })),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })),
  /** Every object that pg_dump knows (tables, indexes, constraints, grants, comments, …): its name and the SHA-256 of its definition. */
  objects: z.array(z.object({ name: z.string(), definition: z.string() })),
  /** The major version of the pg_dump that wrote the definitions; other majors word them differently. */
  definitionsBy: z.number(),
})
export type Fingerprint = z.infer<typeof fingerprint>

export const postgresDetails = z.object({
  database: databaseName,
  serverVersion: z.number().meta({ description: 'server_version_num, for example 150018' }),
  serverVersionText: z.string(),
  dumpVersionText: z.string(),
  systemIdentifier: z.string().nullable(),
  owner: z.string(),
  encoding: z.string(),
  localeProvider: z.string(),
  collate: z.string(),
  ctype: z.string(),
  /** The locale of the providers `icu` and `builtin`. */
  icuLocale: z.string().nullable(),
  icuRules: z.string().nullable().optional(),
  collationVersion: z.string().nullable(),
  connectionLimit: z.number(),
  comment: z.string().nullable(),
  /** The database's own ACL as aclitem texts; null is the default. */
  acl: z.array(z.string()).nullable(),
  /** `ALTER DATABASE … SET name = value`. */
  settings: z.array(z.object({ name: z.string(), value: z.string() })),
  roles: z.array(role),
  /**
   * Tables whose rows are not in the dump but in artifacts of their own, a table's parts in any order. Rows are in the
   * text format of COPY with these columns, in the encoding of the database.
   */
  lanes: z
    .array(z.object({ role: z.string(), schema: z.string(), table: z.string(), columns: z.array(z.string()) }))
    .default([]),
  /** Bytes of the database on disk when it was captured; what a restore needs at least. */
  size: z.string(),
  snapshotAt: z.string(),
  fingerprint,
})
export type PostgresDetails = z.infer<typeof postgresDetails>
