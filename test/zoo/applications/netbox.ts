import type { Application, Command } from '../application.ts'

const ROWS = `
from dcim.models import Site, Manufacturer, DeviceType, DeviceRole, Device
from ipam.models import Prefix, IPAddress, VLAN, ASN, RIR
site = Site.objects.create(name='Zoo é', slug='zoo')
maker = Manufacturer.objects.create(name='Maker', slug='maker')
kind = DeviceType.objects.create(manufacturer=maker, model='Model', slug='model')
role = DeviceRole.objects.create(name='Role', slug='role')
[Device.objects.create(name=f'device-{n}', site=site, device_type=kind, role=role) for n in range(20)]
[Prefix.objects.create(prefix=f'10.{n}.0.0/16') for n in range(20)]
[IPAddress.objects.create(address=f'2001:db8::{n + 1}/64') for n in range(20)]
[VLAN.objects.create(vid=n + 1, name=f'VLAN {n}', site=site) for n in range(20)]
[ASN.objects.create(asn=64512 + n, rir=RIR.objects.get_or_create(name='RIR', slug='rir')[0]) for n in range(5)]
`

const manage = (...args: readonly string[]): Command => ({
  run: ['netbox', ...args],
  minutes: 100,
})

export const netbox: Application = {
  name: 'NetBox',
  version: '4.7.3',
  packages: { registry: 'pypi', python: ['3.12', '3.13'], wanted: ['netbox==4.7.3', 'psycopg[binary,pool]'] },
  needs: { redis: true },
  life: ({ folder, database }) => ({
    environment: { NETBOX_ROOT: folder },
    files: {
      'conf/configuration.py': [
        `ALLOWED_HOSTS = ['*']`,
        `DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': '${database.name}', 'USER': '${database.user}',`,
        `  'PASSWORD': '${database.password}', 'HOST': '${database.host}', 'PORT': ${database.port}}}`,
        `REDIS = {name: {'HOST': '127.0.0.1', 'PORT': 6379, 'DATABASE': n} for n, name in enumerate(['tasks', 'caching'])}`,
        `SECRET_KEY = 'a-secret-key-of-a-test-that-is-long-enough-for-it-0123456789'`,
        `API_TOKEN_PEPPERS = {1: 'a-pepper-of-a-test-that-is-long-enough-for-it-0123456789'}`,
        `CENSUS_REPORTING_ENABLED = False`,
        `RELEASE_CHECK_URL = None`,
        `ISOLATED_DEPLOYMENT = True`,
      ].join('\n'),
    },
    schema: [manage('migrate', '--no-color')],
    rows: [
      manage('createsuperuser', '--noinput', '--username=alice', '--email=alice@example.org'),
      manage('nbshell', '--command', ROWS),
    ],
    settled: { steps: [manage('migrate', '--no-color')], says: /No migrations to apply/, saysNot: /Applying/ },
  }),
}
