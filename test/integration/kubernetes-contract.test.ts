import { kubernetesSecretsDriver } from '../../src/components/kubernetes-secrets/driver.ts'
import type {
  KubernetesSecretsDetails,
  KubernetesSecretsSettings,
} from '../../src/components/kubernetes-secrets/schema.ts'
import { driverContract } from '../../src/components/testing/contract.ts'
import { LIVE, type ContractSubject } from '../../src/components/testing/stage.ts'
import { at, startKubernetes } from '../parts/kubernetes.ts'
import { base64 } from '../parts/kubernetes-points.ts'

const kubernetes = await startKubernetes()

type Subject = ContractSubject<KubernetesSecretsSettings, KubernetesSecretsDetails>

const pathOf = ({ namespace }: KubernetesSecretsSettings, name: string, plural = 'secrets'): string =>
  `/api/v1/namespaces/${namespace}/${plural}${name && `/${name}`}`

async function put(settings: KubernetesSecretsSettings, name: string, body: object, plural?: string): Promise<void> {
  await kubernetes.ask('DELETE', pathOf(settings, name, plural))
  await kubernetes.must('POST', pathOf(settings, '', plural), { metadata: { name }, ...body })
}

/** The text is in a Secret, in one that cannot be changed and in a ConfigMap. One more Secret never changes, and one is gone. */
async function makeNamespace(): Promise<Subject> {
  const secrets = ['plain', 'fixed', 'same', 'gone']
  const settings = kubernetes.settings(await kubernetes.namespace(), { secrets, configMaps: ['config'] })
  await put(settings, 'same', { data: { key: base64('always this') } })
  const valueOf = async (name: string, plural?: string): Promise<unknown> =>
    at((await kubernetes.ask('GET', pathOf(settings, name, plural))).body, 'data', 'key')
  return {
    driver: kubernetesSecretsDriver,
    settings,
    async write(text) {
      await put(settings, 'plain', { data: { key: base64(text) } })
      await put(settings, 'fixed', { data: { key: base64(text) }, immutable: true })
      await put(settings, 'config', { data: { key: text } }, 'configmaps')
      await put(settings, 'gone', { data: { key: base64(text) } })
      if (text === LIVE) await kubernetes.must('DELETE', pathOf(settings, 'gone'))
    },
    async read() {
      const texts = [await valueOf('plain'), await valueOf('fixed')].map((text) =>
        Buffer.from(String(text), 'base64').toString(),
      )
      texts.push(String(await valueOf('config', 'configmaps')))
      const isGone = (await valueOf('gone')) === undefined
      return new Set(texts).size === 1 && isGone === (texts[0] === LIVE)
        ? texts[0]
        : `${texts.join(' and ')}, gone: ${isGone}`
    },
    async leftovers() {
      const items = at(await kubernetes.must('GET', pathOf(settings, '')), 'items')
      const names = (Array.isArray(items) ? items : []).map((item) => String(at(item, 'metadata', 'name')))
      return names.filter((name) => name.startsWith('holdfast-'))
    },
  }
}

const change =
  (name: string, body: object) =>
  ({ settings }: Subject): Promise<void> =>
    put(settings, name, body)

const ROLE = { apiGroups: [''], resources: ['secrets', 'configmaps'] }

driverContract('kubernetes-secrets', makeNamespace, {
  modes: ['swap', 'in-place', 'scratch'],
  locks: false,
  // All deaths with HOLDFAST_SOAK=1.
  halved: true,
  differences: {
    'an object is gone': async ({ settings }) => {
      await kubernetes.must('DELETE', pathOf(settings, 'same'))
    },
    'another value': change('same', { data: { key: base64('another') } }),
    'a key is gone': change('same', { data: {} }),
    'another type': change('same', { data: { key: base64('always this') }, type: 'example.org/other' }),
    'not to be changed any more': change('same', { data: { key: base64('always this') }, immutable: true }),
  },
  lacking: {
    'to read one object': async ({ settings }) => {
      const rules = [{ ...ROLE, verbs: ['get'], resourceNames: ['plain', 'fixed', 'gone', 'config'] }]
      const kubeconfig = await kubernetes.kubeconfigWith(settings.namespace, { rules })
      return { settings: { ...settings, kubeconfig }, found: 'check', says: /right to get secrets same/ }
    },
    'to write': async ({ settings }) => {
      const kubeconfig = await kubernetes.kubeconfigWith(settings.namespace, { rules: [{ ...ROLE, verbs: ['get'] }] })
      return { settings: { ...settings, kubeconfig }, found: 'preflight', says: /right to create secrets/ }
    },
  },
})
