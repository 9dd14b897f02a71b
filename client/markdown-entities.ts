const NAMED = new Map(Object.entries({ amp: '&', lt: '<', gt: '>', quot: '"', nbsp: '\u00a0', euro: '€' }))

/** The character that `&name;` stands for, of those that answers use; an accent comes as itself. */
export const named = (name: string): string | undefined => NAMED.get(name)
