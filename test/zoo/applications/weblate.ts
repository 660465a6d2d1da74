import type { Application, Command } from '../application.ts'

const ROWS = `
from weblate.auth.models import User
from weblate.lang.models import Language
from weblate.trans.models import Project
alice = User.objects.create_user('alice', 'alice@example.org', 'a-password-of-a-test')
projects = [Project.objects.create(name=f'Zoo {n} é', slug=f'zoo-{n}', web='https://example.org/') for n in range(5)]
projects[0].add_user(alice, 'Administration')
`

const manage = (...args: readonly string[]): Command => ({ run: ['weblate', ...args], minutes: 100 })

export const weblate: Application = {
  name: 'Weblate',
  version: '2026.10.1',
  packages: {
    registry: 'pypi',
    python: ['3.12', '3.13'],
    wanted: ['weblate==2026.10.1', 'psycopg[binary]'],
    without: ['borgbackup'],
  },
  needs: { redis: true, extensions: ['pg_trgm', 'btree_gin'] },
  life: ({ folder, database }) => ({
    environment: { DJANGO_SETTINGS_MODULE: 'zoo_settings', PYTHONPATH: folder, WEBLATE_DATA_DIR: folder },
    files: {
      'zoo_settings.py': [
        'from weblate.settings_example import *',
        `DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': '${database.name}', 'USER': '${database.user}',`,
        `  'PASSWORD': '${database.password}', 'HOST': '${database.host}', 'PORT': ${database.port}}}`,
        `DATA_DIR = '${folder}/data'`,
        `CACHE_DIR = '${folder}/cache'`,
        `SECRET_KEY = 'a-secret-key-of-a-test-that-is-long-enough-for-it-0123456789'`,
        `SITE_DOMAIN = 'zoo.example.org'`,
        'ENABLE_HTTPS = True',
        'CELERY_TASK_ALWAYS_EAGER = True',
        `CELERY_BROKER_URL = 'memory://'`,
        `CELERY_RESULT_BACKEND = None`,
      ].join('\n'),
    },
    schema: [manage('migrate', '--skip-checks', '--no-color')],
    rows: [{ ...manage('shell', '-i', 'python'), input: ROWS }],
    settled: {
      steps: [manage('migrate', '--skip-checks', '--no-color')],
      says: /No migrations to apply/,
      saysNot: /Applying/,
    },
  }),
}
