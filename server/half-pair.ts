/** Whether `text` ends in the middle of a surrogate pair. */
export const endsInHalf = (text: string): boolean => (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800
