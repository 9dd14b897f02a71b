/** Samples of Prometheus's text format: name -> its series, each by `label="value",…` as it stands there. */
export type Exposed = {
  types: ReadonlyMap<string, string>
  series: ReadonlyMap<string, ReadonlyMap<string, number>>
  /** The value of one series; undefined: there is none. */
  value(name: string, labels?: string): number | undefined
}

export function parseExposed(text: string): Exposed {
  const types = new Map<string, string>()
  const series = new Map<string, Map<string, number>>()
  for (const line of text.split('\n')) {
    const [, name = '', type = ''] = /^# TYPE (\S+) (\w+)$/.exec(line) ?? []
    if (name !== '') types.set(name, type)
    if (line === '' || line.startsWith('#')) continue
    const [, of, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (of === undefined) throw new Error(`no sample: ${line}`)
    series.set(of, (series.get(of) ?? new Map<string, number>()).set(labels, Number(value)))
  }
  return { types, series, value: (name, labels = '') => series.get(name)?.get(labels) }
}

/** What a PromQL expression reads: its metrics, and the labels that it matches or groups by. */
export type Reads = { metrics: string[]; labels: string[] }

const WORDS = new Set(['and', 'or', 'unless', 'by', 'without', 'on', 'ignoring', 'offset', 'bool'])

export function readsOf(expression: string): Reads {
  const labels: string[] = []
  const matchers = (text: string) => {
    for (const [, label = ''] of text.matchAll(/([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"[^"]*"/g)) labels.push(label)
    return ' '
  }
  const bare = expression
    .replace(/\{[^}]*\}/g, matchers)
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g, (_, names: string) => {
      labels.push(...names.split(',').map((name) => name.trim()))
      return ' '
    })
  const names = [...bare.matchAll(/(?<![\w.])([a-zA-Z_:][\w:]*)(?!\w|\s*\()/g)].map(([, name = '']) => name)
  return { metrics: [...new Set(names.filter((name) => !WORDS.has(name)))], labels: [...new Set(labels)] }
}
