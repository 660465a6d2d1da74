import type { Effects } from '../../core/ports.ts'

/** Effects of a process that dies before or after the one with this number; `reached` is false where there are fewer. */
export function diesAt(at: number, when: 'before' | 'after'): Effects & { readonly reached: () => boolean } {
  let seen = 0
  const died = new Error('died')
  return {
    reached: () => seen >= at,
    async run(_name, act) {
      seen += 1
      if (seen > at || (seen === at && when === 'before')) throw died
      const result = await act()
      if (seen === at) throw died
      return result
    },
  }
}
