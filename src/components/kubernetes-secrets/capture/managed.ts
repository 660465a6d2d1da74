import type { LiveObject, Owner } from '../object.ts'
import { isSigningKey } from './signing-key.ts'

/** Labels and annotations that say who writes an object, in the order in which they are believed. */
const MARKS: readonly (readonly [RegExp, string])[] = [
  [/^argocd\.argoproj\.io\/(instance|tracking-id)$/, 'Argo CD'],
  [/^kustomize\.toolkit\.fluxcd\.io\/name$/, 'Flux'],
  [/^helm\.toolkit\.fluxcd\.io\/name$/, 'Flux'],
  [/^reconcile\.external-secrets\.io\//, 'External Secrets'],
  [/^cert-manager\.io\/certificate-name$/, 'cert-manager'],
  // Not sealed-secrets-key: that is the key which the controller needs, and nobody makes it again.
  [/^sealedsecrets\.bitnami\.com\/(?!sealed-secrets-key$)/, 'Sealed Secrets'],
  [/^olm\.managed$/, 'Operator Lifecycle Manager'],
  [/^meta\.helm\.sh\/release-name$/, 'Helm'],
]
const OWNERS: Readonly<Record<string, string>> = {
  SealedSecret: 'Sealed Secrets',
  ExternalSecret: 'External Secrets',
  ClusterExternalSecret: 'External Secrets',
  Certificate: 'cert-manager',
  VaultStaticSecret: 'the Vault Secrets Operator',
}
/** What controllers call themselves when they write. */
const WRITERS: Readonly<Record<string, string>> = {
  'argocd-controller': 'Argo CD',
  'argocd-application-controller': 'Argo CD',
  'kustomize-controller': 'Flux',
  'helm-controller': 'Flux',
  'external-secrets': 'External Secrets',
  helm: 'Helm',
  Helm: 'Helm',
}

/** Who else writes this object and would take a restored value back, or be confused by it. Undefined when nobody is seen. */
export function managerOf(live: LiveObject): string | undefined {
  const writer = writerOf(live)
  // Made once and needed from then on: another in its place breaks all that it signed.
  return writer !== undefined && makesKeys(writer) && isSigningKey(live) ? undefined : writer
}

/** The others have their values from somewhere and write them again. */
function makesKeys(writer: string): boolean {
  return writer.startsWith(CERT_MANAGER) || writer.startsWith(SOME_OWNER)
}
const CERT_MANAGER = 'cert-manager'
const SOME_OWNER = 'the owner '

function writerOf({ description, owners, writers }: LiveObject): string | undefined {
  const { labels, annotations } = description
  const marks = [...Object.keys(labels), ...Object.keys(annotations)]
  const marked = MARKS.find(([pattern]) => marks.some((mark) => pattern.test(mark)))
  if (marked !== undefined) return marked[1]
  const [owner] = owners
  if (owner !== undefined) return ownerName(owner)
  if (labels['app.kubernetes.io/managed-by'] === 'Helm') return 'Helm'
  return writers.map((writer) => writerName(writer)).find((name) => name !== undefined)
}

function ownerName({ kind, name }: Owner): string {
  const known = Object.hasOwn(OWNERS, kind) ? OWNERS[kind] : undefined
  return known === undefined ? `${SOME_OWNER}${kind} ${name}` : `${known} (${kind} ${name})`
}

/** A writer calls itself what it likes, also `constructor`. */
function writerName(writer: string): string | undefined {
  return (Object.hasOwn(WRITERS, writer) ? WRITERS[writer] : undefined) ?? certManager(writer)
}

function certManager(writer: string): string | undefined {
  // Not cert-manager-issuers and others, nor cert-manager-controller, which is all of them in older ones: they write keys
  // that they need, such as that of an ACME account. A certificate's Secret is known by its annotations.
  return writer.startsWith('cert-manager-certificates') ? 'cert-manager' : undefined
}
