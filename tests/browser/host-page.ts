import { createServer } from 'node:http'
import type { Page } from 'playwright-core'

export type HostSite = { url: string; origin: string; close(): Promise<void> }

type Options = { csp?: string | undefined; name?: string | undefined }

/** A shop's site: `html` under every path; localhost, its name, is to a browser another site than 127.0.0.1. */
export async function startHostSite(html: (path: string) => string, options: Options = {}): Promise<HostSite> {
  const { csp, name = 'localhost' } = options
  const server = createServer((request, response) => {
    const policy = csp === undefined ? {} : { 'content-security-policy': csp }
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...policy }).end(html(request.url ?? '/'))
  })
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
  const origin = `http://${name}:${port}`
  return {
    url: `${origin}/`,
    origin,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** From now on this page's closed shadow roots are open, so that a test can look into them. */
export const openShadows = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    const attach = Element.prototype.attachShadow
    Element.prototype.attachShadow = function (init) {
      return attach.call(this, { ...init, mode: 'open' })
    }
  })
