import type { Profile } from '../../../profiles/profile.ts'
import type { KeyNames } from '../../../profiles/shape.ts'
import type { Surroundings } from '../../../platforms/surroundings.ts'
import type { Found } from './draft.ts'
import { KEYS, withProof, type KeyPlace } from './key-proof.ts'
import type { Recognised } from './recognise.ts'

/** Secrets and ConfigMaps by name, and the proof that the keys among them open the data. */
export function keysInCluster(profile: Profile, { settings }: Surroundings, found: Recognised): Found {
  const { namespace, kubeconfig, context } = settings
  const namesOf = (kind: string): readonly string[] =>
    found.pools
      .filter((one) => one.kind === kind)
      .map(({ name }) => name)
      .toSorted()
  const [secrets, configMaps] = [namesOf('Secret'), namesOf('ConfigMap')]
  if (secrets.length + configMaps.length === 0) return withProof(profile, {}, () => ({ why: 'no Secret was found' }))
  const login = Object.entries({ kubeconfig, context }).filter(([, value]) => value !== undefined)
  const component = {
    kind: 'kubernetes-secrets',
    namespace,
    ...Object.fromEntries(login),
    ...(secrets.length === 0 ? {} : { secrets }),
    ...(configMaps.length === 0 ? {} : { configMaps }),
  }
  return withProof(profile, { [KEYS]: component }, (names) => placeInCluster(names, found))
}

/** First where its variable comes from, then whichever Secret has a key of that name. */
function placeInCluster({ variables, secretKeys }: KeyNames, { writers, pools }: Recognised): KeyPlace {
  const sources = writers.flatMap((writer) => variables.flatMap((name) => writer.variables[name] ?? []))
  for (const source of sources) {
    if (source.from === 'text') continue
    // One that may be missing, and is, holds no key.
    const isThere = pools.some(({ kind, name }) => kind === source.from && name === source.name)
    if (isThere) return { secret: `${source.from.toLowerCase()}/${source.name}/${source.key}` }
  }
  for (const { kind, name, keys } of pools) {
    const key = keys.find((one) => secretKeys.includes(one))
    if (key !== undefined) return { secret: `${kind.toLowerCase()}/${name}/${key}` }
  }
  const isText = sources.some(({ from }) => from === 'text')
  return {
    why: isText
      ? 'it stands as text in the workload, not in a Secret: put it into one'
      : 'no Secret that was found has it',
  }
}
