/** Whether a header can carry the key: printable ASCII without spaces. Prefixes are Google's to change. */
export const validApiKey = (key: string): boolean => /^[\x21-\x7E]+$/.test(key)
