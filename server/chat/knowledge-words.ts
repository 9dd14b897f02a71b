const WORD = /[\p{L}\p{N}]+/gu
// "1 200" and "1200" are one number, whichever space stands between.
const THOUSANDS = /(?<=\d)[\s.](?=\d{3}(?!\d))/gu

/** A text -> its words in lower case; apostrophes and hyphens part them (l'atelier, rendez-vous). */
export function wordsOf(text: string): string[] {
  return text.normalize('NFC').toLowerCase().replace(THOUSANDS, '').match(WORD) ?? []
}

/** A lower-case word without its accents and ligatures: "œuvré" -> "oeuvre". */
export function fold(word: string): string {
  return word.replace(/œ/g, 'oe').replace(/æ/g, 'ae').normalize('NFD').replace(/\p{M}/gu, '')
}

/** Whether a word says nothing about the matter, in French or English, with or without accents; "où" says it. */
export const isStopWord = (word: string): boolean => word !== 'où' && (word.length < 2 || stopWords.has(fold(word)))

// 'ouvert', 'quand', 'combien' and the like stay out: in a shop they say what is asked.
const stopWords = new Set(
  `a afin ai aie aient ait alors apres as au aucun aussi autre autres aux avais avait avant avec avez avoir avons
  bien bonjour bonsoir ca car ce ceci cela celle celles celui ces cet cette ceux chez ci comme comment dans de des deja
  depuis dire dis dites dois doit donc dont du elle elles en encore est et etait etes etre eu eux faire fais fait
  faites faut il ils ici j je jusqu l la le les leur leurs lors lui m ma mais me meme merci mes mieux moi moins mon
  n ne ni non nos notre nous on ont ou oui par parce pas peu peut peux plait plus pour pourquoi pourrais pouvez pouvons
  puis puisque qu quand quel quelle quelles quels quelqu quelque qui quoi que s sa salut sans sauf se sera ses si sinon
  son sont sous stp suis sur svp t ta te tes toi ton tous tout toute toutes tres trop tu un une va vais vers veut veux
  voudrais vos votre vous voila y aimerais possible savoir souhaite souhaiterais est-ce avoir
  about am an and any are at be been but by can could did do does doing for from get got had has have having he hello
  her hi him his how i if in into is it its just like me more my no not of off on once one only or our out over please
  shall she should so some such than thank thanks that the their them then there these they this those to too up us
  very was we were what when which while who whom will with would you your`
    .split(/\s+/)
    .filter(Boolean),
)
