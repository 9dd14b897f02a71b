import { Markdown } from '../client/markdown.ts'
import { domVerbs } from '../client/markdown-dom.ts'

/** Draws an answer that comes in chunks into `root`, laid out after each; milliseconds of the whole. */
export type Draw = (root: HTMLElement, chunks: readonly string[]) => number

/** Ours, chunk by chunk. */
export const drawOurs: Draw = (root, chunks) => {
  const markdown = new Markdown(domVerbs(root, (url) => url))
  return timed(root, chunks, (chunk) => markdown.write(chunk))
}

/** What renders to HTML must render the whole text again for each chunk. */
export const drawHtml =
  (render: (text: string) => string): Draw =>
  (root, chunks) => {
    let text = ''
    return timed(root, chunks, (chunk) => {
      text += chunk
      root.innerHTML = render(text)
    })
  }

function timed(root: HTMLElement, chunks: readonly string[], write: (chunk: string) => void): number {
  const start = performance.now()
  for (const chunk of chunks) {
    write(chunk)
    // Reading a height lays the page out.
    if (root.offsetHeight < 0) throw new Error('no layout')
  }
  return performance.now() - start
}
