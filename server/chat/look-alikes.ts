// What NFKD leaves as it is: letters of other scripts and styles that read as one of a–z. Of the thousands in Unicode's
// confusables.txt these are the ones that a model writes when it is asked for letters "that look the same".
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  a: 'аαᴀɑꭺ',
  b: 'вьβʙƅɓƀꮟᏼ',
  c: 'сςᴄҫꮯ',
  d: 'ԁᴅđɗժꭰ',
  e: 'еεҽᴇєҿꭼ',
  f: 'ғꜰƒϝ',
  g: 'ɡɢԍցꮐ',
  h: 'нһʜħհ',
  i: 'іιıɪɩɨꭵ',
  j: 'јᴊȷյϳ',
  k: 'кκᴋқҡƙ',
  l: 'ӏʟłƚⳑ',
  m: 'мᴍϻꮇ',
  n: 'пηɴոռꞑ',
  o: 'оοσᴏөօøⲟ',
  p: 'рρᴘþƥⲣ',
  q: 'ԛգզꞯ',
  r: 'гʀґᴦꭱ',
  s: 'ѕꜱꮪ',
  t: 'тτᴛҭŧⲧ',
  u: 'υμᴜսцʋ',
  v: 'ѵνᴠⴸ',
  w: 'ԝωᴡшѡա',
  x: 'хχҳⲭ',
  y: 'уγʏүұყ',
  z: 'ζᴢȥƶꮓ',
}
// Greek capitals that read as another letter than their small ones, and a capital that has none.
const CAPITALS: Readonly<Record<string, string>> = { Η: 'h', Υ: 'y', Ν: 'n', Μ: 'm', Ϲ: 'c', Ӏ: 'i' }
// Letters in black discs, in black squares, and those that flags are made of: A to Z each.
const PICTURES = [0x1f150, 0x1f170, 0x1f1e6]

const byUnit = new Map(
  Object.entries(LOOK_ALIKES).flatMap(([letter, units]) => [...units].map((unit) => [unit, letter])),
)

/** The letter of a–z or A–Z that a code point reads as, in its own case; one that reads as none as it is. */
export function lookAlike(unit: string): string {
  const code = unit.codePointAt(0) ?? 0
  const first = PICTURES.find((from) => code >= from && code < from + 26)
  if (first !== undefined) return String.fromCharCode(0x41 + code - first)
  const small = unit.toLowerCase()
  const letter = CAPITALS[unit] ?? byUnit.get(small)
  if (letter === undefined) return unit
  return small === unit ? letter : letter.toUpperCase()
}
