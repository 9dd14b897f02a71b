/** What few visitors need is fetched when they do; the build knows the hashed names. */
declare const PARTS: Readonly<Record<'frame' | 'save', string>>

export const loadFrame = (): Promise<typeof import('./frame.ts')> => import(PARTS.frame)
export const loadSave = (): Promise<typeof import('./save.ts')> => import(PARTS.save)
