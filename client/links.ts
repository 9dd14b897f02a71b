const MAIL = /^mailto:[\w.+-]+@[\w.-]+$/i
const PHONE = /^tel:\+?[\d().\-/]+$/i

/** Where a link of an answer may lead: https on `hosts`, a mail address, a phone number; else undefined. */
export function safeHref(url: string, hosts: readonly string[]): string | undefined {
  if (MAIL.test(url) || PHONE.test(url)) return url
  // A browser would read past what a person doesn't see in them: spaces, and backslashes for slashes.
  if (!/^https:\/\/[^\s\\]+$/i.test(url)) return undefined
  try {
    const { host, username, password, href } = new URL(url)
    const ours = hosts.some((known) => known.toLowerCase() === host)
    return ours && !username && !password ? href : undefined
  } catch {
    return undefined
  }
}
