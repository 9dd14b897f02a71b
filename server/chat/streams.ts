/** A place among the answers being generated; `drain` asks to read the rest only to learn what it cost. */
export type Slot = {
  drain(): boolean
  close(): void
  /** `cut` is called when the server can't wait any longer. */
  onCut(cut: () => void): void
}
export type Streams = {
  open(addressKey: string): Slot | undefined
  readonly count: number
  /** Opens no more; resolves when the last one has closed. */
  shut(): Promise<void>
  /** Cuts off all that are open. */
  cut(): void
}

/** Bounds the answers being generated, drains included, in all and per address; drains may take a quarter of all. */
export function createStreams(max: number, maxPerAddress: number): Streams {
  const perAddress = new Map<string, number>()
  const cuts = new Set<() => void>()
  const maxDrains = Math.max(1, Math.floor(max / 4))
  let count = 0
  let drains = 0
  let emptied: (() => void) | undefined
  const open = (addressKey: string): Slot | undefined => {
    const own = perAddress.get(addressKey) ?? 0
    if (emptied || count >= max || own >= maxPerAddress) return undefined
    count++
    perAddress.set(addressKey, own + 1)
    return occupy(addressKey)
  }
  const occupy = (addressKey: string): Slot => {
    let state: 'open' | 'draining' | 'closed' = 'open'
    let ownCut = () => {}
    return {
      onCut(cut) {
        ownCut = cut
        cuts.add(cut)
      },
      drain() {
        if (state !== 'open' || drains >= maxDrains) return state === 'draining'
        state = 'draining'
        drains++
        return true
      },
      close() {
        if (state === 'closed') return
        if (state === 'draining') drains--
        state = 'closed'
        cuts.delete(ownCut)
        count--
        const own = (perAddress.get(addressKey) ?? 1) - 1
        if (own > 0) perAddress.set(addressKey, own)
        else perAddress.delete(addressKey)
        if (count === 0) emptied?.()
      },
    }
  }
  return {
    open,
    get count() {
      return count
    },
    shut: () =>
      new Promise((resolve) => {
        emptied = resolve
        if (count === 0) resolve()
      }),
    cut() {
      for (const cut of cuts) cut()
    },
  }
}
