/** What a shop's page and the assistant's frame in it say to each other, as EMBED.md describes it. */
export type ToFrame = { leMecano: 'open' | 'close' }
export type ToHost = { leMecano: 'ready' } | { leMecano: 'close' } | { leMecano: 'unread'; count: number }

/** The fields of a message's data, whoever sent it. */
export const embedFields = (data: unknown): { leMecano?: unknown; count?: unknown } =>
  typeof data === 'object' && data !== null ? data : {}
