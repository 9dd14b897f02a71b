const encoder = new TextEncoder()
let room = new Uint8Array(2 ** 14)

/** How many bytes `text` takes as UTF-8. The bytes themselves are thrown away, so nothing is allocated for them. */
export function utf8Length(text: string): number {
  if (room.length < 3 * text.length) room = new Uint8Array(3 * text.length)
  return encoder.encodeInto(text, room).written
}
