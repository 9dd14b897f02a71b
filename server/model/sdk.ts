import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { compileFunction } from 'node:vm'
import type * as Sdk from '@google/generative-ai'
import type { LeanFetch } from './lean-fetch.ts'
import { LeanHeaders } from './lean-headers.ts'
import { LeanStream } from './lean-stream.ts'

const NAME = '@google/generative-ai'

/**
 * Google's SDK as it is published, with a fetch, headers and a stream of ours in its scope: it takes none as an argument, and
 * the process's own globals stay as they are. The platform's cost half of what forwarding a token takes.
 */
export function loadSdk(fetch: LeanFetch): typeof Sdk {
  const path = createRequire(import.meta.url).resolve(NAME)
  const scope = { fetch, Headers: LeanHeaders, ReadableStream: LeanStream, TextDecoderStream: class {} }
  const module = compileFunction(readFileSync(path, 'utf8'), ['exports', ...Object.keys(scope)], { filename: path })
  const exports = {}
  module(exports, ...Object.values(scope))
  return exports as typeof Sdk
}
