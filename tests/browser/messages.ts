import type { ServerMessage, TurnView, Welcome } from '../../protocol/messages.ts'

export const turn = (id: string, question: string, answer: string, over: Partial<TurnView> = {}): TurnView => ({
  id,
  question,
  answer,
  state: 'complete',
  source: 'model',
  at: Date.UTC(2026, 0, 15),
  ...over,
})

export const welcome = (over: Partial<Welcome> = {}): Welcome => ({
  type: 'welcome',
  protocol: 1,
  session: 'token-1',
  resumed: false,
  lang: 'fr',
  persona: {
    name: 'Le Mécano (IA)',
    greeting:
      'Bonjour marin\u202f! Bienvenue à bord de Breizh Vélos.\nUne question sur un vélo, un prix, l’atelier\u202f? Je suis sur le pont.',
    placeholder: 'Posez votre question au Mécano',
    suggestions: ['Quel vélo pour aller travailler\u202f?', 'Vos horaires\u202f?', 'Combien coûte une révision\u202f?'],
    contact: { phone: '02 98 00 00 00', email: 'ohe@breizh-velos.example', url: 'https://breizh-velos.example/' },
    notice: 'Le Mécano est une intelligence artificielle\u202f: il peut se tromper.',
    linkHosts: ['breizh-velos.example'],
  },
  limits: { maxChars: 1000, askBurst: 4, asksPerMinute: 10 },
  demo: false,
  turns: [],
  ...over,
})

export const start = (id: string, question: string): ServerMessage => ({
  type: 'start',
  id,
  question,
  source: 'model',
  remaining: 3,
})
export const delta = (id: string, offset: number, text: string): ServerMessage => ({ type: 'delta', id, offset, text })
export const done = (id: string, length: number): ServerMessage => ({ type: 'done', id, reason: 'complete', length })
