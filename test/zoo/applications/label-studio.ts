import type { Application, Command } from '../application.ts'

const ROWS = `
from users.models import User
from organizations.models import Organization
from projects.models import Project
from tasks.models import Task, Annotation
alice = User.objects.create_user('alice@example.org', 'a-password-of-a-test')
zoo = Organization.create_organization(created_by=alice, title='Zoo')
project = Project.objects.create(title='Animals', created_by=alice, organization=zoo, label_config='<View><Text name="t" value="$text"/><Choices name="c" toName="t"><Choice value="é"/></Choices></View>')
for n in range(20):
    task = Task.objects.create(project=project, data={'text': f'animal {n} ☃'})
    Annotation.objects.create(task=task, project=project, completed_by=alice, result=[{'value': {'choices': ['é']}}])
`

/** It has no program of its own for this. */
const MANAGE = `
import runpy, sys, label_studio
folder = label_studio.__path__[0]
sys.path.insert(0, folder)
runpy.run_path(folder + '/manage.py', run_name='__main__')`

const manage = (...args: readonly string[]): Command => ({ run: ['python', '-c', MANAGE, ...args], minutes: 100 })

export const labelStudio: Application = {
  name: 'Label Studio',
  version: '1.23.2',
  packages: { registry: 'pypi', python: ['3.11', '3.12', '3.10'], wanted: ['label-studio==1.23.2'] },
  life: ({ folder, database }) => ({
    environment: {
      DJANGO_DB: 'default',
      POSTGRE_HOST: database.host,
      POSTGRE_PORT: String(database.port),
      POSTGRE_NAME: database.name,
      POSTGRE_USER: database.user,
      POSTGRE_PASSWORD: database.password,
      LABEL_STUDIO_BASE_DATA_DIR: folder,
      SECRET_KEY: 'a-secret-key-of-a-test',
      COLLECT_ANALYTICS: 'false',
      LATEST_VERSION_CHECK: 'false',
      SENTRY_DSN: '',
      FRONTEND_SENTRY_DSN: '',
    },
    schema: [manage('migrate', '--no-color')],
    rows: [{ ...manage('shell'), input: ROWS }],
    settled: {
      steps: [manage('migrate', '--no-color')],
      says: /No migrations to apply/,
      saysNot: /Applying/,
    },
  }),
}
