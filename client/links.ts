const MAIL = /^mailto:[\w.+-]+@[\w.-]+$/i
const PHONE = /^tel:\+?[\d().\-/]+$/i

/** Where a link of an answer may lead: https on `hosts`, a mail address, a phone number; else undefined. */
export function safeHref(url: string, hosts: readonly string[]): string | undefined {
  if (MAIL.test(url) || PHONE.test(url)) return url
  try {
    const { protocol, host, username, password, href } = new URL(url)
    const ours = hosts.some((known) => known.toLowerCase() === host)
    return protocol === 'https:' && ours && !username && !password ? href : undefined
  } catch {
    return undefined
  }
}
