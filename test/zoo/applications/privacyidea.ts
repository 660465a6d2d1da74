import { python } from '../application.ts'
import type { Application } from '../application.ts'
import { databaseUrl } from '../visit.ts'

const TOKENS = `
from privacyidea.app import create_app
with create_app(config_name='production', silent=True).app_context():
    from privacyidea.lib.policy import set_policy
    from privacyidea.lib.token import init_token
    for n in range(20):
        init_token({'type': 'hotp' if n % 2 else 'totp', 'genkey': True, 'description': f'token {n} é'})
    set_policy('admins', scope='admin', action=['enable', 'disable'], adminuser='alice')
`

export const privacyidea: Application = {
  name: 'privacyIDEA',
  version: '3.14',
  packages: {
    registry: 'pypi',
    python: ['3.11', '3.12', '3.13'],
    wanted: ['privacyidea==3.14', 'psycopg2-binary==2.9.13'],
  },
  life: ({ folder, database }) => ({
    environment: { PRIVACYIDEA_CONFIGFILE: `${folder}/pi.cfg` },
    files: {
      'pi.cfg': [
        `SQLALCHEMY_DATABASE_URI = '${databaseUrl(database, 'postgresql+psycopg2')}'`,
        `SECRET_KEY = 'a-secret-key-of-a-test'`,
        `PI_PEPPER = 'a-pepper-of-a-test'`,
        `PI_ENCFILE = '${folder}/enckey'`,
        `PI_AUDIT_KEY_PRIVATE = '${folder}/private.pem'`,
        `PI_AUDIT_KEY_PUBLIC = '${folder}/public.pem'`,
        `PI_LOGFILE = '${folder}/privacyidea.log'`,
        `SUPERUSER_REALM = ['super']`,
      ].join('\n'),
    },
    schema: [
      { run: ['pi-manage', 'setup', 'create_enckey'] },
      { run: ['pi-manage', 'setup', 'create_audit_keys'] },
      { run: ['pi-manage', 'setup', 'create_tables'] },
    ],
    rows: [
      {
        run: [
          'pi-manage',
          'admin',
          'add',
          'alice',
          '--password',
          'a-password-of-a-test',
          '--email',
          'alice@example.org',
        ],
      },
      { run: ['pi-manage', 'admin', 'add', 'bob', '--password', 'another-password'] },
      python(TOKENS),
    ],
    settled: {
      steps: [{ run: ['pi-manage', 'db', 'upgrade'] }],
      says: /Revision remains at/,
      saysNot: /Running upgrade/,
    },
  }),
}
