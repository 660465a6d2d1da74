import { z } from 'zod'
import { secretReference } from '../../system/secret-reference.ts'
import { reachSettings } from '../../platforms/settings.ts'
import type { Through } from '../../platforms/through.ts'
import { keepPreviousHours } from '../keep-previous.ts'
import { parseTableName } from './table-name.ts'

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
  reach: reachSettings.optional(),
  from: z
    .strictObject({ file: z.string().regex(/^\//, 'expected an absolute path'), name: z.string().min(1) })
    .optional()
    .meta({
      description:
        "The app's own environment file, and the variable in it that has the URL of the database: host, port, database, user and password are taken from there, unless they are written here.",
    }),
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
  throwAwayServer: z.enum(['auto', 'here', 'inside']).default('auto').meta({
    description:
      'Where drills and rehearsals start their throw-away server. inside: in a container of the image that reach names. auto: here where the programs of the same major are, else inside.',
  }),
  preserve: z.array(z.string().min(1)).default([]).meta({
    description:
      'Tables (schema.table) whose live rows are carried into the restored database, for example a job history.',
  }),
  withoutRows: z
    .array(
      z.string().refine((text) => parseTableName(text) !== undefined, {
        error: 'expected schema.table, with quotes where SQL needs them',
      }),
    )
    .default([])
    .meta({
      description:
        'Tables (schema.table) whose rows are left out of backups on purpose, for example an audit log. Their definitions are captured. A swap carries their live rows over.',
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
  keepPreviousHours: keepPreviousHours('How long the database that was swapped out is retained for undo.'),
  parallelReads: z
    .union([z.literal('auto'), z.number().int().min(1).max(16)])
    .default('auto')
    .meta({
      description:
        'How many large tables, or parts of one, are read at once. More load the server more. auto: cores of this machine, 2 to 4, and one less for every 2 transactions that others have open on the server; the fingerprint then waits for the rows.',
    }),
  restoreJobs: z
    .number()
    .int()
    .min(1)
    .max(16)
    .optional()
    .meta({ description: 'Sessions that load rows and make indexes at once. Default: cores of this machine, 2 to 4.' }),
  fingerprint: z.enum(['backup', 'drill']).default('backup').meta({
    description:
      'Who reads the fingerprint of the content. drill: the backup only counts rows, the first drill that passes keeps a fingerprint of what it restored, and only later drills and restores compare content with it.',
  }),
  rowCheckSeconds: z.number().min(0).max(86_400).default(2).meta({
    description:
      'How long check and each backup look for rows that could not be restored and for damaged indexes; also bounds how large a table may be.',
  }),
  idleLimitSeconds: z.number().positive().default(600),
  totalLimitSeconds: z.number().positive().default(86_400),
})
export interface PostgresSettings extends z.infer<typeof postgresSettings> {
  /** What `reach` says, wired. */
  readonly through?: Through | undefined
}

/** As `CREATE ROLE` has them. */
export const roleAttributes = z.object({
  login: z.boolean(),
  inherit: z.boolean(),
  createDatabase: z.boolean(),
  createRole: z.boolean(),
  superuser: z.boolean(),
  replication: z.boolean(),
  bypassRowSecurity: z.boolean(),
  connectionLimit: z.number(),
  validUntil: z.string().nullable(),
})

/** A role without secrets: its password is never captured. */
const role = z.object({
  name: z.string(),
  attributes: roleAttributes,
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
 * It changed while a dump was read whose moment nobody else could read, so that it cannot be said what the dump holds.
 */
const moved = z.boolean().optional()

/**
 * The content of a database as a comparison needs it. Two databases with equal fingerprints hold the same rows,
 * sequences, large objects and object definitions.
 */
const fingerprint = z.object({
  /** Content was left to drills: tables have no hash, large objects neither size nor hash. */
  counted: z.literal(true).optional(),
  /** The way in which rows were hashed, 1 where it is absent. Hashes made in different ways say nothing of each other. */
  hashing: z.int().optional(),
  tables: z.array(
    z.object({
      moved,
      name: z.string().meta({ description: 'schema.table, quoted as SQL' }),
      /** All its partitions together: a load may rightly put a row into another one. */
      partitioned: z.literal(true).optional(),
      rows: z.string().meta({ description: 'decimal count' }),
      hash: z.string().optional().meta({ description: 'order-independent sum of row hashes, decimal' }),
      /** The rows were hashed as COPY wrote them, because the server could not plan a statement without running code of the database. */
      by: z.literal('copy').optional(),
    }),
  ),
  sequences: z.array(
    z.object({
      moved,
      name: z.string(),
      lastValue: z.string(),
      isCalled: z.boolean(),
      /** Where it was after the dump, if it moved meanwhile: the dump holds a value from `lastValue` to this one. */
      until: z.string().optional(),
    }),
  ),
  largeObjects: z.array(z.object({ moved, oid: z.number(), size: z.string().optional(), hash: z.string().optional() })),
  extensions: z.array(z.object({ moved, name: z.string(), version: z.string() })),
  /** Every object that pg_dump knows (tables, indexes, constraints, grants, comments, …): its name and the SHA-256 of its definition. */
  objects: z.array(z.object({ moved, name: z.string(), definition: z.string() })),
  /**
   * What objects use that no text need show: operators, functions, types, … that are not built in, by the names that
   * `objects` has. Only objects that use some.
   */
  depends: z
    .array(
      z.object({
        name: z.string(),
        on: z.array(z.object({ kind: z.string(), schema: z.string(), name: z.string() })),
      }),
    )
    .optional(),
  /** The major version of the pg_dump that wrote the definitions; other majors word them differently. */
  definitionsBy: z.number(),
})
export type Fingerprint = z.infer<typeof fingerprint>

/** What a restore takes of the role that makes it. */
const needs = z.object({
  /** Roles that own the database or something in it. */
  owners: z.array(z.string()),
  /** Objects that only a superuser can create. */
  superuserOnly: z.array(z.string()),
  /** Parameters that functions set and only superusers, or who was granted it, may set. */
  parameters: z.array(z.string()).default([]),
  /** Tables whose owner sees only what policies let him see. */
  forcedRowSecurity: z.array(z.string()),
  /** Tablespaces that objects are in, besides the database's own. */
  tablespaces: z.array(z.string()),
  /** Roles that own something in a schema of which they are neither the owner nor a member of the owner. */
  guests: z.array(z.object({ schema: z.string(), role: z.string() })).default([]),
  /** In an order in which they can be made; the owner is null where it was a superuser. */
  extensions: z.array(z.object({ name: z.string(), schema: z.string(), owner: z.string().nullable() })).default([]),
})
export type RestoreNeeds = z.infer<typeof needs>
/** A dump that somebody gave; its hash is that of the file as it was, or of all files of a folder. */
const importedDump = z.object({
  format: z.enum(['sql', 'custom', 'directory']),
  source: z.string(),
  sha256: z.string(),
  bytes: z.number(),
  /** What the dump calls the database; null when it does not say. */
  database: z.string().nullable(),
  trusted: z.boolean(),
})

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
  /** What gives data its meaning in sessions of the application: of server, database and the database's owner. */
  sessionSettings: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  /** Money in the dump is written as the locale `C` has it; else as that of `lc_monetary`. */
  plainMoney: z.boolean().optional(),
  /** `SECURITY LABEL ON DATABASE`. */
  securityLabels: z.array(z.object({ provider: z.string(), label: z.string() })).default([]),
  /** Of security labels inside the database, which the dump has. */
  labelProviders: z.array(z.string()).default([]),
  /** With their slots on the publisher. Those that the dump has are in `fingerprint.objects`. */
  subscriptions: z.array(z.object({ name: z.string(), slot: z.string().nullable() })).default([]),
  roles: z.array(role),
  /** Roles whose passwords, as the server keeps them, are in the artifact `role-passwords`. */
  rolePasswords: z.array(z.string()).optional(),
  needs: needs.optional(),
  /**
   * Tables whose rows are not in the dump but in artifacts of their own, a table's parts in any order. Rows are in
   * this format of COPY with these columns, in the encoding of the database.
   */
  lanes: z
    .array(
      z.object({
        role: z.string(),
        schema: z.string(),
        table: z.string(),
        columns: z.array(z.string()),
        format: z.enum(['text', 'binary']).default('text'),
        /** The partitioned table to load the rows into: they may come back in another partition of it. */
        into: z.object({ schema: z.string(), table: z.string() }).optional(),
      }),
    )
    .default([]),
  /**
   * Indexes, and constraints that are one, that a session of its own makes for a table, each by the catalog and the oid
   * under which the dump's list of contents has it. `early`: they need nothing but the rows of their table, which is in
   * lanes. Otherwise two of them lock the table when they are made, and cannot be made at the same time.
   */
  indexRuns: z
    .array(
      z.object({
        schema: z.string(),
        table: z.string(),
        early: z.boolean(),
        entries: z.array(z.object({ catalog: z.int(), oid: z.int() })),
      }),
    )
    .optional(),
  /** Of the schema `public`, which every new database has: whether it was that one, made anew, or not there. */
  publicSchema: z.enum(['born', 'made anew', 'absent']).optional(),
  /** Tables whose rows are left out on purpose, with the bytes they had on disk. A partitioned table stands for all its partitions. */
  withoutRows: z
    .array(z.object({ name: z.string().meta({ description: 'schema.table, quoted as SQL' }), bytes: z.string() }))
    .optional(),
  /** Bytes of the database on disk when it was captured; what a restore needs at least. */
  size: z.string(),
  /** What the look through the rows found while they were read: whether a restore would fail on them. */
  rowCheck: z
    .array(
      z.object({ level: z.enum(['ok', 'warning', 'error', 'untested']), subject: z.string(), message: z.string() }),
    )
    .optional(),
  snapshotAt: z.string(),
  fingerprint,
  /** Read by pg_dump inside the container, where no way led to the server: nothing of it was compared with the live database. */
  readInside: z.literal(true).optional(),
  /** Where it came from, if it was not captured from the app's own server. */
  imported: importedDump.optional(),
})
export type PostgresDetails = z.infer<typeof postgresDetails>
