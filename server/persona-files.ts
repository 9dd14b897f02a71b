import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { type PersonaResult, parsePersona } from './chat/persona.ts'

const MAX_FILE_BYTES = 256 * 1024
const MAX_TOTAL_BYTES = 2 * 1024 * 1024
const MAX_KNOWLEDGE_FILES = 100
const LOGO = 'logo.svg'

/** `logo` is the shop's own picture, an SVG, if it gives one. */
export type PersonaFolder = PersonaResult & { logo?: string }

type Read = { ok: true; text: string; bytes: number } | { ok: false; error: string }

/**
 * Reads persona.json, instructions.md, knowledge/*.md and logo.svg of `dir`, in the order of their names.
 * Files are UTF-8, at most 256 KB each and 2 MB in all; a link may not lead out of the folder.
 */
export async function readPersonaFolder(dir: string): Promise<PersonaFolder> {
  const root = await realpath(dir).catch(() => undefined)
  if (root === undefined) return { ok: false, errors: [`persona folder "${dir}": not found`] }
  const listed = await listKnowledge(root)
  const hasLogo = (await readdir(root)).includes(LOGO)
  const [json, instructions, logo, ...knowledge] = await Promise.all([
    readInside(root, 'persona.json'),
    readInside(root, 'instructions.md'),
    hasLogo ? readInside(root, LOGO) : undefined,
    ...listed.names.map((name) => readInside(root, name)),
  ])
  const files = [json, instructions, logo, ...knowledge].filter((file) => file !== undefined)
  const errors = [...listed.errors, ...files.flatMap((file) => (file.ok ? [] : [file.error]))]
  const total = files.reduce((sum, file) => sum + (file.ok ? file.bytes : 0), 0)
  if (total > MAX_TOTAL_BYTES) errors.push(`persona folder: ${total} bytes in all, ${MAX_TOTAL_BYTES} at most`)
  if (!json?.ok || !instructions?.ok || errors.length > 0)
    return { ok: false, errors: await withParsed(errors, json, instructions) }
  const texts = knowledge.map((file, i) => ({ name: baseName(listed.names[i]), text: file?.ok ? file.text : '' }))
  const result = parsePersona({ personaJson: json.text, instructions: instructions.text, knowledge: texts })
  if (!result.ok) return result
  return { ...result, ...(logo?.ok && { logo: logo.text }), warnings: [...listed.warnings, ...result.warnings] }
}

const baseName = (name = '') => name.slice(name.indexOf('/') + 1)

// A broken knowledge file should not hide what is wrong in persona.json.
async function withParsed(errors: string[], json?: Read, instructions?: Read): Promise<string[]> {
  if (!json?.ok || !instructions?.ok) return errors
  const parsed = parsePersona({ personaJson: json.text, instructions: instructions.text, knowledge: [] })
  return parsed.ok ? errors : [...errors, ...parsed.errors]
}

type Listed = { names: string[]; errors: string[]; warnings: string[] }

async function listKnowledge(root: string): Promise<Listed> {
  const found = await readdir(join(root, 'knowledge')).catch(() => [])
  const visible = found.filter((name) => !name.startsWith('.')).sort()
  const names = visible.filter((name) => name.endsWith('.md')).map((name) => `knowledge/${name}`)
  const others = visible.filter((name) => !name.endsWith('.md'))
  const warnings = others.map((name) => `knowledge/${name}: left out, only *.md files are read`)
  if (names.length <= MAX_KNOWLEDGE_FILES) return { names, errors: [], warnings }
  return { names: [], errors: [`knowledge: ${names.length} files, ${MAX_KNOWLEDGE_FILES} at most`], warnings }
}

async function readInside(root: string, name: string): Promise<Read> {
  try {
    const path = await realpath(join(root, name))
    if (!path.startsWith(root.endsWith(sep) ? root : root + sep))
      return { ok: false, error: `${name}: leads out of the persona folder` }
    // Asked before reading: a pipe would block, a huge file would fill the memory.
    const found = await stat(path)
    if (!found.isFile()) return { ok: false, error: `${name}: is not a file` }
    if (found.size > MAX_FILE_BYTES)
      return { ok: false, error: `${name}: ${found.size} bytes, ${MAX_FILE_BYTES} at most` }
    return decode(name, await readFile(path))
  } catch (error) {
    return { ok: false, error: `${name}: ${readFailure(error)}` }
  }
}

function readFailure(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  return (
    { ENOENT: 'not found', EACCES: 'may not be read (permissions)', ELOOP: 'links in a circle' }[code] ??
    `can’t be read (${code})`
  )
}

function decode(name: string, bytes: Uint8Array): Read {
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), bytes: bytes.length }
  } catch {
    return { ok: false, error: `${name}: line ${firstBadLine(bytes)}: is not UTF-8; save the file as UTF-8` }
  }
}

// A line feed is never a part of another character, so each line can be tried alone.
function firstBadLine(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  for (let start = 0; start < bytes.length; line++) {
    const next = bytes.indexOf(10, start)
    const end = next < 0 ? bytes.length : next
    try {
      decoder.decode(bytes.subarray(start, end))
    } catch {
      return line
    }
    start = end + 1
  }
  return line
}
