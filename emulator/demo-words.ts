export type DemoLang = 'fr' | 'en'
export type DemoWords = {
  intro: string
  hello: string
  goodbye: string
  lost: string
  /** After `intro`, where there is no knowledge at all. */
  empty: string
  nothingElse: string
  topics: string
  hint: string
  near: string
  closing: string
}

const fr: DemoWords = {
  intro: '**Mode démonstration :** aucun modèle n’est branché, voici ce que disent les fiches de la boutique.',
  hello:
    '**Mode démonstration :** bonjour marin, et bienvenue à bord ! Aucun modèle n’est branché ici : je ne fais que lire les fiches de la boutique, mais de bon cœur.',
  goodbye:
    '**Mode démonstration :** avec plaisir, et bon vent ! Aucun modèle n’est branché ici : ces réponses viennent mot pour mot des fiches de la boutique.',
  lost: '**Mode démonstration :** aucun modèle n’est branché, et aucune fiche de la boutique ne répond à cette question.',
  empty:
    'Or **aucune fiche** n’a été trouvée. Pour en ajouter :\n\n- créez un fichier Markdown dans le dossier des connaissances ;\n- donnez-lui un titre, puis une section par sujet ;\n- relancez la démonstration.\n\nAvec une clé Gemini, un vrai modèle répondra à partir des mêmes fiches.',
  nothingElse: 'Les fiches manquent encore : il n’y a rien d’autre à lire.',
  topics: 'Vous pouvez me demander, par exemple :',
  hint: 'Une question courte, sur un seul sujet, tombe plus souvent juste.',
  near: 'Sur des sujets voisins :',
  closing:
    'Pour une vraie conversation, ajoutez une clé Gemini à la configuration du serveur : les mêmes fiches nourriront alors les réponses d’un modèle.',
}

const en: DemoWords = {
  intro: '**Demonstration mode:** no model is connected; this is what the shop’s notes say.',
  hello:
    '**Demonstration mode:** hello, and welcome! No model is connected here: I only read the shop’s notes out, but gladly.',
  goodbye:
    '**Demonstration mode:** you’re welcome, and goodbye! No model is connected here: these answers are the shop’s notes, word for word.',
  lost: '**Demonstration mode:** no model is connected, and none of the shop’s notes answers this question.',
  empty:
    'But **no notes** were found. To add some:\n\n- create a Markdown file in the knowledge folder;\n- give it a title, then a section for each subject;\n- start the demonstration again.\n\nWith a Gemini key, a real model will answer from the same notes.',
  nothingElse: 'The notes are still missing: there is nothing else to read.',
  topics: 'You could ask me about, for example:',
  hint: 'A short question about one subject is answered best.',
  near: 'About similar subjects:',
  closing:
    'For a real conversation, add a Gemini key to the server’s settings: a model will then answer from the same notes.',
}

/** What the demonstration says around the shop's own words. */
export const demoWords: Readonly<Record<DemoLang, DemoWords>> = { fr, en }
