import type { Application, Command } from '../application.ts'

const ROWS = `
from datetime import datetime, timezone
from decimal import Decimal
from django_scopes import scopes_disabled
from pretix.base.models import Event, Item, Order, OrderPosition, Organizer, Quota, User
with scopes_disabled():
    alice = User.objects.create_user('alice@example.org', 'a-password-of-a-test')
    zoo = Organizer.objects.create(name='Zoo é', slug='zoo')
    event = Event.objects.create(organizer=zoo, name='Feeding', slug='feeding', currency='EUR', date_from=datetime(2030, 1, 1, tzinfo=timezone.utc), plugins='')
    item = Item.objects.create(event=event, name='Ticket ☃', default_price=Decimal('7.50'))
    Quota.objects.create(event=event, name='All', size=100).items.add(item)
    channel = zoo.sales_channels.get(identifier='web')
    for n in range(20):
        order = Order.objects.create(event=event, email=f'{n}@example.org', total=Decimal('7.50'), datetime=datetime(2029, 1, 1, tzinfo=timezone.utc), expires=datetime(2029, 2, 1, tzinfo=timezone.utc), sales_channel=channel)
        OrderPosition.objects.create(order=order, item=item, price=Decimal('7.50'))

`

const manage = (...args: readonly string[]): Command => ({ run: ['python', '-m', 'pretix', ...args], minutes: 100 })

export const pretix: Application = {
  name: 'pretix',
  version: '2026.8.0',
  packages: { registry: 'pypi', python: ['3.11', '3.12', '3.13'], wanted: ['pretix==2026.8.0'] },
  life: ({ folder, database }) => ({
    environment: { PRETIX_CONFIG_FILE: `${folder}/pretix.cfg` },
    files: {
      'pretix.cfg': [
        '[pretix]',
        'instance_name=Zoo',
        'url=http://127.0.0.1:8000',
        `datadir=${folder}/data`,
        'registration=off',
        '[database]',
        'backend=postgresql',
        `name=${database.name}`,
        `user=${database.user}`,
        `password=${database.password}`,
        `host=${database.host}`,
        `port=${database.port}`,
      ].join('\n'),
      'data/.keep': '',
    },
    schema: [manage('migrate', '--no-color')],
    rows: [{ ...manage('shell'), input: ROWS }],
    settled: { steps: [manage('migrate', '--no-color')], says: /No migrations to apply/, saysNot: /Applying/ },
  }),
}
