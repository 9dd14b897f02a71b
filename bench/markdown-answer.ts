const PART = `## Nos vélos de ville

Bonjour marin ! Pour **aller travailler**, je vous conseille le *Ville Confort*, référence \`CBL_101_X\`, dès **300 €** :

1. **Ville Confort** : cadre bas, panier, 7 vitesses
   - freins à patins, éclairage à dynamo
   - garantie [deux ans](https://breizh-velos.example/garantie "Garantie")
2. **Électrique Rade** : dès 1200 €, batterie de 500 Wh
   - autonomie de 60 à 90 km selon le vent

| Modèle | Taille | Prix |
|:-------|:------:|-----:|
| Ville Confort | M, L | 300 € |
| Ville Sport | S à XL | 390 € |
| Électrique Rade | M, L | 1200 € |

> L’atelier règle tout avant de larguer les amarres.

Passez nous voir à Quimper, ou appelez le 02 61 91 29 35 : essai gratuit d’une heure, sans rendez-vous.

`

/** An answer of a shop, `length` characters long, in `count` chunks. */
export function answerChunks(length: number, count: number): string[] {
  const text = PART.repeat(Math.ceil(length / PART.length)).slice(0, length)
  const size = length / count
  return Array.from({ length: count }, (_, at) => text.slice(Math.round(at * size), Math.round((at + 1) * size)))
}
