import type { Application, Command } from '../application.ts'

/** A content type as an operator's project has it. */
const animal = {
  kind: 'collectionType',
  collectionName: 'animals',
  info: { singularName: 'animal', pluralName: 'animals', displayName: 'Animal' },
  options: { draftAndPublish: true },
  attributes: {
    name: { type: 'string', required: true, unique: true },
    weight: { type: 'decimal' },
    born: { type: 'datetime' },
    kind: { type: 'enumeration', enum: ['bird', 'fish'] },
    facts: { type: 'json' },
    parents: { type: 'relation', relation: 'manyToMany', target: 'api::animal.animal' },
  },
}

/** Loads the application as its own server does, and ends it once what it does on the side is done too. */
function load(act: string): Command {
  const ended = 'await new Promise((resolve) => setTimeout(resolve, 3000)); process.exit(0)'
  const code = `(async () => { const strapi = await require('@strapi/strapi').createStrapi().load(); ${act}; ${ended} })()`
  return { run: ['node', '-e', code] }
}

const ROWS = `
  for (let n = 0; n < 20; n++)
    await strapi.documents('api::animal.animal').create({ status: n % 2 ? 'published' : 'draft', data: { name: 'animal ' + n + ' é', weight: n + 0.25, born: new Date(n), kind: 'bird', facts: { n } } })`
const core = (what: string): string =>
  `const { factories } = require('@strapi/strapi'); module.exports = factories.createCore${what}('api::animal.animal')`

export const strapi: Application = {
  name: 'Strapi',
  version: '5.54.0',
  packages: { registry: 'npm', wanted: { '@strapi/strapi': '5.54.0', pg: '8.23.1' } },
  life: ({ installed, database }) => ({
    environment: {
      NODE_ENV: 'production',
      NODE_PATH: `${installed}/node_modules`,
      STRAPI_TELEMETRY_DISABLED: 'true',
    },
    files: {
      'package.json': JSON.stringify({ name: 'zoo', version: '1.0.0', private: true, strapi: { uuid: false } }),
      'config/database.js': `module.exports = ${JSON.stringify({
        connection: {
          client: 'postgres',
          connection: {
            host: database.host,
            port: database.port,
            database: database.name,
            user: database.user,
            password: database.password,
          },
        },
      })}`,
      'config/server.js': `module.exports = { host: '127.0.0.1', port: 1337, app: { keys: ['a-key', 'another-key'] }, logger: { updates: { enabled: false, startup: { enabled: false } } } }`,
      'config/admin.js': `module.exports = { auth: { secret: 'a-secret' }, apiToken: { salt: 'a-salt' }, transfer: { token: { salt: 'a-salt' } }, secrets: { encryptionKey: 'a-key' }, serveAdminPanel: false, flags: { nps: false, promoteEE: false } }`,
      'src/index.js': 'module.exports = { register() {}, bootstrap() {} }',
      'src/api/animal/content-types/animal/schema.json': JSON.stringify(animal),
      'src/api/animal/controllers/animal.js': core('Controller'),
      'src/api/animal/services/animal.js': core('Service'),
      'src/api/animal/routes/animal.js': core('Router'),
      'public/uploads/.keep': '',
    },
    schema: [load('')],
    rows: [load(ROWS)],
    settled: {
      steps: [load(`console.log('animals:', await strapi.documents('api::animal.animal').count({}))`)],
      says: /animals: \d+/,
    },
  }),
}
